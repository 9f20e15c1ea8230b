"""Queries and statements of the store by name: one `.sql` file each, in the folders of `sql/`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from services.store.sql_units import expand_units

_FOLDER: Final = Path(str(files("services.store"))) / "sql"


@cache
def sql(name: str) -> str:
    """Return the text of a query by its file name without suffix, e.g. `figure_sums`.

    The macros of `sql_units` are expanded; the caller fills the other `$placeholders`. Raises
    KeyError if there is no such file.
    """
    return expand_units(_paths()[name].read_text())


@cache
def _paths() -> Mapping[str, Path]:
    paths = sorted(_FOLDER.glob("*/*.sql"))
    by_name = {path.stem: path for path in paths}
    if len(by_name) != len(paths):
        raise ValueError("two files below services/store/sql have the same name")
    return by_name
