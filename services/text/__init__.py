"""The sentences of the pages by subject, in Indonesian and English."""
