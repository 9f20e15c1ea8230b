"""What a process is made of: parts that are started anew, threads taken in turns, its memory."""
