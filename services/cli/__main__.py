"""`python -m services.cli`: the same as the command `rantai`."""

from services.cli import main

main()
