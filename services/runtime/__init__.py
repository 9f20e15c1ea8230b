"""What a process is built from: parts that restart, fair turns at threads, bounded memory."""
