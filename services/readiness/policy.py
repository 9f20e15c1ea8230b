"""The policy: the rules by which suppliers are judged, read from a versioned TOML document.

The packaged document in `policies/` explains every setting. A policy is read once, checked as a
whole, and immutable; every scorecard made under it carries its version.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from schemas.messages import UNKNOWN_FAULT, message_of, toml_syntax_of
from services.readiness.figures import json_number
from services.readiness.policy_checks import (
    grade_problems,
    override_problems,
    pillar_problems,
    stage_problems,
)
from services.readiness.policy_parts import (
    CapacitySection,
    ComplaintSection,
    ConcentrationSection,
    ConfirmationSection,
    Count,
    Currency,
    GradeSection,
    LeadTimeSection,
    Pillars,
    Scale,
    Section,
    Sites,
    StageSection,
    ToleranceSection,
    Version,
    Zone,
)

_PACKAGED: Final = "2026-11-01"
_BETWEEN_KEYS: Final = re.compile(r"[,=\[\]{}]")
_MOST_DOTS: Final = 50
"""Maximum dots of a key. The time to parse a dotted key grows at least with the square of its
parts: a key of 100,000 parts would take hours."""
_WHOLE: Final = "policy_as_a_whole"


class PolicyError(ValueError):
    """A policy can't be used. Each of `problems` names a place in the TOML and what to do."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.problems = problems
        rows = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{name} is not a usable policy (entries are counted from 1):\n{rows}")


def _deep_key(text: str) -> int | None:
    """Return the number of the first line whose key may have too many parts, or None."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        # Outside of strings and comments, a dotted key goes on over none of these characters.
        if any(piece.count(".") > _MOST_DOTS for piece in _BETWEEN_KEYS.split(line)):
            return number
    return None


@dataclass(frozen=True, slots=True)
class LineTolerances:
    """Tolerances of one order line, in calendar days and as fractions of its quantity."""

    early_days: int
    late_days: int
    under: Decimal
    over: Decimal


class Policy(Section):
    """All settings of one version of the policy; each section is documented in the TOML."""

    version: Version
    base_currency: Currency
    zone: Zone
    next_steps: Count
    sites: Sites = Field(default_factory=dict)
    tolerances: ToleranceSection
    confirmation: ConfirmationSection
    complaints: ComplaintSection
    lead_time: LeadTimeSection
    concentration: ConcentrationSection
    capacity: CapacitySection
    pillars: Pillars
    grade: GradeSection
    stage: StageSection

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a policy file. Raises PolicyError if it is wrong, OSError if it can't be read."""
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            wrong = f"is not UTF-8: byte {error.start} is wrong; save it as UTF-8"
            raise PolicyError(str(path), [wrong]) from None
        return cls.load_text(text, str(path))

    @classmethod
    def load_text(cls, text: str, name: str = "the policy") -> Self:
        """Read a policy from TOML text. Raises PolicyError, which calls the policy `name`."""
        text = text.removeprefix("\ufeff")
        deep = _deep_key(text)
        if deep is not None:
            raise PolicyError(name, [f"line {deep}: a key has more than {_MOST_DOTS} parts"])
        try:
            document = tomllib.loads(text, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise PolicyError(name, [toml_syntax_of(error)]) from None
        return cls._checked(document, name)

    @classmethod
    def _checked(cls, document: Mapping[str, Any], name: str) -> Self:
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise PolicyError(name, _problems(error)) from None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        problems = [
            *override_problems(self.tolerances),
            *pillar_problems(self.pillars),
            *grade_problems(self.grade),
            *stage_problems(self.stage),
        ]
        if problems:
            raise PydanticCustomError(_WHOLE, "settings disagree", {"problems": problems})
        return self

    @property
    def early_days(self) -> int:
        """Calendar days that a receipt may be early, disregarding overrides."""
        return self.tolerances.early_days

    @property
    def late_days(self) -> int:
        """Calendar days that a receipt may be late, disregarding overrides."""
        return self.tolerances.late_days

    @property
    def under(self) -> Decimal:
        """The fraction of the quantity that may be missing, disregarding overrides."""
        return self.tolerances.under

    @property
    def over(self) -> Decimal:
        """The fraction of the quantity that may be delivered in excess, disregarding overrides."""
        return self.tolerances.over

    @property
    def notice_days(self) -> int:
        """A change dated less than this many calendar days before the due date is short notice."""
        return self.tolerances.notice_days

    @property
    def scales(self) -> dict[str, Scale]:
        """Weight and points of every scored figure by KPI, in the order of the pillars."""
        return {key: scale for figures in self.pillars.values() for key, scale in figures.items()}

    def tolerances_for(self, buyer_id: str, item_no: str) -> LineTolerances:
        """Return a line's tolerances, each from the most specific override that sets it.

        Precedence: buyer and item, then buyer, then item, then the policy's defaults.
        """
        found: dict[str, Any] = {
            "early_days": self.early_days,
            "late_days": self.late_days,
            "under": self.under,
            "over": self.over,
        }
        fitting = (one for one in self.tolerances.overrides if one.fits(buyer_id, item_no))
        for one in sorted(fitting, key=lambda one: one.specificity):
            found |= one.changes
        return LineTolerances(**found)

    def zone_of(self, buyer_id: str) -> str:
        """Return the time zone of a buyer's sites."""
        return self.sites.get(buyer_id, self.zone)

    def with_zone(self, zone: str) -> Self:
        """Return this policy with another default zone. Raises PolicyError for an unknown zone."""
        return self._checked({**self.model_dump(), "zone": zone}, self.version)

    def with_tolerances(self, **changes: int | Decimal) -> Self:
        """Return this policy with other default tolerances, given by name. Raises PolicyError."""
        document = self.model_dump()
        document["tolerances"] |= changes
        return self._checked(document, self.version)

    @property
    def digest(self) -> int:
        """A 64-bit hash of the whole policy, the same in every process."""
        text = json.dumps(self.as_document(), sort_keys=True, default=str)
        return int.from_bytes(sha256(text.encode()).digest()[:8])

    def as_document(self) -> dict[str, Any]:
        """Return the policy in the structure of its TOML, numbers as int or Decimal."""
        document: dict[str, Any] = _plain(self.model_dump(exclude_none=True))
        return document


def packaged_text() -> str:
    """Return the TOML of the packaged policy, with the comments that explain every setting."""
    return (files("services.readiness") / "policies" / f"{_PACKAGED}.toml").read_text("utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return json_number(value) if isinstance(value, Decimal) else value


def _problems(error: ValidationError) -> list[str]:
    problems: list[str] = []
    for row in error.errors(include_url=False):
        if row["type"] == _WHOLE:
            problems += row["ctx"]["problems"]
        else:
            problems.append(f"{_place(row['loc'])}: {_message(row)}")
    return problems


def _place(location: tuple[int | str, ...]) -> str:
    """Return a place in TOML notation, entries counted from 1: `tolerances.overrides[2].over`."""
    place = ""
    for step in location:
        if step != "[key]":
            place += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return place.removeprefix(".")


_HINT: Final = "'rantai policy show packaged --toml' prints a policy that has it"
_MESSAGES: Final = {
    "missing": f"is required; {_HINT}",
    "extra_forbidden": "is not a policy setting; correct its spelling or remove it",
    "too_short": f"has too few values; {_HINT}",
    "too_long": f"has too many values; {_HINT}",
}


def _message(row: ErrorDetails) -> str:
    if row["type"] in _MESSAGES:
        return _MESSAGES[row["type"]]
    said, given = message_of(row), row["input"]
    if said == UNKNOWN_FAULT:
        said = f"is not a valid value; {_HINT}"
    return f"{said} (it is {given})" if isinstance(given, str | int | Decimal) else said


DEFAULT_POLICY: Final = Policy.load_text(packaged_text(), "the packaged policy")
