"""Files of an ERP to events: the mapping, the rows of a file, and rows made into events."""
