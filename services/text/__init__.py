"""What the pages say: sentences by subject, in the reader's language."""
