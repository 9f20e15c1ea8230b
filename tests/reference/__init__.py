"""An independent, plain reading of the KPI definitions, to check the services against."""
