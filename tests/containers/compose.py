"""Reads Compose files as Docker does: fills in variables and merges one file into another."""

import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
ONE_MACHINE: Final = ROOT / "docker-compose.yml"
CLUSTER: Final = ROOT / "deploy" / "cluster" / "docker-compose.yml"
JOBS: Final = ("topics", "migrate", "simulator")
"""Services that end after their work or serve no requests: no other one waits for their health."""

OURS: Final = ("topics", "migrate", "gateway", "processor", "scorecards", "exporter", "simulator")

_VARIABLE: Final = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:?[-?])(?P<rest>[^}]*))?\})"
)


def schema() -> Any:
    """Return the JSON Schema of the Compose Specification."""
    # Read the file of the package without importing it: that would import its command line.
    package = find_spec("check_jsonschema")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    return json.loads(file.read_text())


def raw(file: Path) -> Any:
    """Return the contents of a Compose file without filling in variables."""
    return yaml.safe_load(file.read_text())


def variables(text: str) -> dict[str, bool]:
    """Return the variables in the text of a Compose file, and whether each is required."""
    found: dict[str, bool] = {}
    for match in _VARIABLE.finditer(text):
        if match["name"]:
            required = (match["how"] or "").endswith("?")
            found[match["name"]] = found.get(match["name"], False) or required
    return found


def resolved(environment: Mapping[str, str], *others: Path) -> dict[str, Any]:
    """Return docker-compose.yml with variables filled in and the files `others` merged into it.

    Raises KeyError if a required variable is not in `environment`.
    """
    merged: Any = {}
    for file in (ONE_MACHINE, *others):
        merged = _merged(merged, _filled(raw(file), environment))
    assert isinstance(merged, dict)
    return merged


def read_environment(file: Path) -> dict[str, str]:
    """Return the variables that a .env file sets."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, environment) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, environment) for one in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        given = environment.get(match["name"], "")
        how, rest = match["how"] or "", match["rest"] or ""
        if given or not how:
            return given
        if how.endswith("?"):
            raise KeyError(f"{match['name']}: {rest}")
        return rest

    return _VARIABLE.sub(fill, value)


_REPLACED: Final = ("command", "entrypoint", "test")


def _merged(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        both = {**base, **over}
        again = {key for key in base if key in over and key not in _REPLACED}
        return {
            key: _merged(base[key], over[key]) if key in again else one for key, one in both.items()
        }
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *(one for one in over if one not in base)]
    return over
