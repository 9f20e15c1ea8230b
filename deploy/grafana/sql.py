"""The statements of panels and variables: they are in `queries/`, one per file.

`@as_of` and the like are filled in here, `$__toTime` and `${buyer:singlequote}` by Grafana. The
period's last day is T: figures cover the period from its first day up to, but without, that day.
"""

from pathlib import Path
from string import Template
from typing import Final

_FOLDER: Final = Path(__file__).parent / "queries"
_AS_OF: Final = "toDate32($__toTime, '${zone}')"
_SINCE: Final = "toDate32($__fromTime, '${zone}')"
_FRAGMENTS: Final = {
    "as_of": _AS_OF,
    "since": _SINCE,
    "selected": (
        "suppliers = [${supplier:singlequote}], buyers = [${buyer:singlequote}], "
        "clusters = [${cluster:singlequote}]"
    ),
    "in_period": f"spans = [({_AS_OF}, toInt32(dateDiff('day', {_SINCE}, {_AS_OF})))]",
}


class _AtSigns(Template):
    delimiter = "@"


def sql(name: str, **fragments: str) -> str:
    """Return the statement in a file, named without its ending. `fragments`: more `@` values."""
    return _filled(name, at_month_ends=_filled("at_month_ends"), **fragments)


def _filled(name: str, **fragments: str) -> str:
    text = (_FOLDER / f"{name}.sql").read_text().strip()
    return _AtSigns(text).substitute(_FRAGMENTS | fragments)
