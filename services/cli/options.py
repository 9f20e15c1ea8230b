"""The options that several commands have in common, each with one name and one meaning."""

from pathlib import Path
from typing import Annotated, Final

import typer

DATA_DIR: Final = Path("var/rantai")
"""Where a data directory is if nothing else is said."""

DataDir = Annotated[Path, typer.Option("--data-dir", envvar="RANTAI_DATA_DIR")]
Url = Annotated[str | None, typer.Option(help="URL of another running Rantai")]
Key = Annotated[str | None, typer.Option(envvar="RANTAI_KEY", help="API key")]
ProgrammeKey = Annotated[str | None, typer.Option(envvar="RANTAI_KEY", help="programme key")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]
