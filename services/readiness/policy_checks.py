"""Checks that the settings of a policy agree with each other.

Each check yields its problems: the place in the TOML, what is wrong, and what to do.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from services.readiness.kpis import KPIS
from services.readiness.policy_parts import (
    PILLARS,
    GradeSection,
    Pillars,
    Scale,
    StageSection,
    ToleranceSection,
)


def override_problems(tolerances: ToleranceSection) -> Iterator[str]:
    """Check that each override names a buyer or item and sets something, and that none repeats."""
    seen: dict[tuple[str | None, str | None], int] = {}
    for number, one in enumerate(tolerances.overrides, 1):
        place = f"tolerances.overrides[{number}]"
        whom = (one.buyer_id, one.item_no)
        if whom == (None, None):
            yield f"{place}: give it a buyer_id, an item_no, or both"
        elif whom in seen:
            yield f"{place}: is for the same buyer and item as [{seen[whom]}]; merge them"
        seen.setdefault(whom, number)
        if not one.changes:
            yield f"{place}: sets nothing; give it early_days, late_days, under or over"


def pillar_problems(pillars: Pillars) -> Iterator[str]:
    """Check that all pillars exist, that weights add up to 100, and the points of every figure."""
    for name in PILLARS:
        if name not in pillars:
            yield f"pillars.{name}: is required, with at least one figure"
    seen: dict[str, str] = {}
    for name, figures in pillars.items():
        for key, scale in figures.items():
            place = f"pillars.{name}.{key}"
            if key in seen:
                yield f"{place}: is in pillars.{seen[key]} too; a figure counts in one pillar"
            seen.setdefault(key, name)
            yield from _point_problems(f"{place}.points", key, scale)
    total = sum(
        (one.weight for figures in pillars.values() for one in figures.values()), Decimal(0)
    )
    if total != 100:
        yield (
            f"pillars: the weights of all figures add up to {total.normalize():f};"
            " they must add up to 100"
        )


def _point_problems(place: str, key: str, scale: Scale) -> Iterator[str]:
    xs, ys = zip(*scale.points, strict=True)
    if not _all(xs, lambda before, after: before < after):
        yield f"{place}: the values (first of each pair) must rise from pair to pair"
    if KPIS[key].unit == "fraction" and max(xs) > 1:
        yield f"{place}: the values of {key} are fractions from 0 to 1; write 0.8 for 80 %"
    if KPIS[key].better == "higher" and not _all(ys, lambda before, after: before <= after):
        yield f"{place}: a higher {key} is better; its points must not fall"
    if KPIS[key].better == "lower" and not _all(ys, lambda before, after: before >= after):
        yield f"{place}: a lower {key} is better; its points must not rise"


def _all(values: Sequence[Decimal], holds: Callable[[Decimal, Decimal], bool]) -> bool:
    return all(holds(before, after) for before, after in pairwise(values))


def grade_problems(grade: GradeSection) -> Iterator[str]:
    """Check that a better grade requires a higher score."""
    if not grade.A > grade.B > grade.C:
        yield "grade: A, B and C must fall: A above B above C"


def stage_problems(stage: StageSection) -> Iterator[str]:
    """Check that a later stage requires a higher mark, and that no certificate is repeated."""
    if not stage.madya < stage.pra_mandiri < stage.mandiri:
        yield "stage: madya, pra_mandiri and mandiri must rise"
    if len(set(stage.mandatory_certificates)) < len(stage.mandatory_certificates):
        yield "stage.mandatory_certificates: names a certificate twice"
