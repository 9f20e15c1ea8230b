"""Turn the files of an ERP into events: mappings, readers of files, and the making of events."""
