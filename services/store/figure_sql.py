"""The formulas in the registry of figures as SQL, for the views that sum figures in the store.

`services/store/migrate.py` fills these texts into the placeholders of `views/*.sql`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from services.readiness.kpis import COUNTS, KPIS, RATIOS, SCORABLE, VALUES, Term

_ZERO: Final = "0 * a"
_TERMS: Final[Mapping[Term, str]] = {
    "0": _ZERO,
    # What is still missing is late by T - due date, so this depends on T; see line_parts.sql.
    "late": "(e + f * toInt32(as_of) - g) / one",
}


def figure_texts() -> dict[str, str]:
    """Return the texts that views take from the registry, by the name of their placeholder."""
    adding = {**RATIOS, **COUNTS}
    return {
        "figure_families": _listed(_pairs()),
        "figure_pairs": ",\n            ".join(
            f"family = '{family}', [{', '.join(pairs)}]" for family, pairs in _pairs().items()
        ),
        "share_keys": _listed(key for key, ratio in RATIOS.items() if ratio.counts),
        "scorable_keys": _listed(SCORABLE),
        "kpi_rows": ",\n        ".join(_row(key) for key in KPIS if key in adding),
        "kpi_places": str(len(adding)),
        "time_rows": ",\n        ".join(
            f"('{key}', '{KPIS[key].title}', '{KPIS[key].unit}')" for key in VALUES
        ),
    }


def _pairs() -> dict[str, list[str]]:
    """Return, by family of parts, the SQL tuples (key, numerator, denominator) of its figures."""
    pairs: dict[str, list[str]] = {}
    for key, ratio in RATIOS.items():
        for family, (above, below) in ratio.families.items():
            pair = f"('{key}', {_term(above)}, {_term(below)})"
            pairs.setdefault(family, []).append(pair)
    for key, count in COUNTS.items():
        pairs.setdefault(count.family, []).append(f"('{key}', {_term(count.term)}, {_ZERO})")
    return pairs


def _term(term: Term) -> str:
    return _TERMS.get(term, term)


def _row(key: str) -> str:
    kpi, ratio = KPIS[key], RATIOS.get(key)
    interval, scale = (int(ratio.counts), ratio.scale) if ratio is not None else (0, 1)
    texts = (f"'{text}'" for text in (key, kpi.title, kpi.unit, kpi.better))
    return f"({', '.join(texts)}, {interval}, {scale},\n            '{kpi.meaning}')"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
