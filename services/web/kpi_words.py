"""Names, units and values of all figures of docs/figures.md, for tables and papers. Pure."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from services.readiness.figures import Figure
from services.readiness.kpis import KPIS
from services.text import figure_words, line_words, standing_words
from services.text.language import Language, mark
from services.web.table_files import Kind, TableCell, TableColumn

_UNITS: Final = {
    "fraction": mark("fraction of 1"),
    "ratio": mark("ratio"),
    "per million": mark("per million"),
    "days": mark("days"),
    "hours": mark("hours"),
    "count": mark("count"),
}


def title(language: Language, key: str) -> str:
    """Return the name of a figure."""
    return language.text(figure_words.TITLES[key])


def unit(language: Language, key: str) -> str:
    """Return the unit of a figure's value."""
    return language.text(_UNITS[KPIS[key].unit])


def ratio_columns(language: Language) -> list[TableColumn]:
    """Return three columns for each of `line_words.TITLES`: value, numerator, denominator."""
    columns = []
    for key, name in line_words.TITLES.items():
        title = language.text(name)
        kind = Kind.SHARE if KPIS[key].unit == "fraction" else Kind.NUMBER
        columns += [
            TableColumn(title, kind),
            TableColumn(language.text("%(figure)s: numerator", figure=title), Kind.QUANTITY),
            TableColumn(language.text("%(figure)s: denominator", figure=title), Kind.QUANTITY),
        ]
    return columns


def ratio_cells(figures: Mapping[str, Figure]) -> list[TableCell]:
    """Return the cells of `ratio_columns`; a missing figure leaves its three cells empty."""
    found = [figures.get(key) for key in line_words.TITLES]
    return [
        cell
        for one in found
        for cell in (
            (None, None, None) if one is None else (one.exact, one.numerator, one.denominator)
        )
    ]


def value(language: Language, key: str, shown: Mapping[str, Any]) -> str:
    """Return a figure's value as a short text. `shown`: the figure in a scorecard's `kpis`."""
    if key in line_words.TITLES:
        return line_words.figure_in_words(
            language, key, standing_words.figure({"kpis": {key: shown}}, key)
        ).short
    found = shown["value"]
    if found is None:
        return language.text(line_words.NO_DATA)
    unit_of = "load" if key == "capacity_load" else KPIS[key].unit
    return _FORMATS[unit_of](language, _exact(shown))


def counted(language: Language, shown: Mapping[str, Any]) -> str:
    """Return a figure's numerator and denominator, such as `7 of 9`; '' if it has none."""
    if not (shown.get("numerator") or shown.get("denominator")):
        return ""
    return language.text(
        "%(part)s of %(whole)s",
        part=language.number(shown["numerator"]),
        whole=language.number(shown["denominator"]),
    )


_FORMATS: Final[Mapping[str, Callable[[Language, Fraction], str]]] = {
    "fraction": lambda language, exact: language.percent(exact),
    "ratio": lambda language, exact: language.number(exact, 2),
    "load": lambda language, exact: f"{language.number(exact * 100, 1)} %",
    "per million": lambda language, exact: language.number(exact, 0),
    "days": lambda language, exact: language.text(
        "%(number)s days", number=language.number(exact, 1)
    ),
    "hours": lambda language, exact: language.text(
        "%(number)s hours", number=language.number(exact, 1)
    ),
    "count": lambda language, exact: language.number(exact),
}
"""Formats a value, by its unit; `load` is a ratio that is written as a percentage."""


def _exact(shown: Mapping[str, Any]) -> Fraction:
    """Return the exact value, the quotient if there is one, so that it is rounded only once."""
    if shown.get("denominator"):
        return Fraction(shown["numerator"]) / Fraction(shown["denominator"])
    return Fraction(shown["value"])
