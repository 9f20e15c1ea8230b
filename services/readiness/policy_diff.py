"""Compares two policies, setting by setting; a setting is named by its dotted path."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.readiness.policy import Policy

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that differs between two policies; None stands for a missing setting."""

    path: str
    old: Any
    new: Any


def flat(policy: Policy) -> dict[str, Any]:
    """Return every setting by its path, such as `tolerances.early_days`, in the file's order.

    An override of tolerances is named by its buyer and item, so that its position in the file does
    not matter: `tolerances.overrides[buyer_id=AHM].over`. A list, such as points or certificates,
    is a single setting.
    """
    return dict(_settings("", policy.as_document()))


def differences(old: Policy, new: Policy) -> list[Difference]:
    """Return the differing settings in the new policy's order, then those that only the old has."""
    before, after = flat(old), flat(new)
    paths = [*after, *(path for path in before if path not in after)]
    return [
        Difference(path, before.get(path), after.get(path))
        for path in paths
        if before.get(path) != after.get(path)
    ]


def _settings(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _settings(f"{place}.{_quoted(key)}".removeprefix("."), one)
    elif place == "tolerances.overrides":
        for one in value:
            whom = ", ".join(f"{key}={one[key]}" for key in ("buyer_id", "item_no") if key in one)
            rest = {key: one[key] for key in one if key not in ("buyer_id", "item_no")}
            yield from _settings(f"{place}[{whom}]", rest)
    else:
        yield place, value


def _quoted(key: str) -> str:
    return key if _BARE.fullmatch(key) else f'"{key}"'
