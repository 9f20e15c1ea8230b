"""Reading a mapping file, with errors that name the place in the TOML and what to do."""

import tomllib
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.messages import toml_syntax_of
from services.formats.columns import KIND_TAGS
from services.formats.mapping import FileMapping
from services.formats.mapping_checks import problems_of

_BRANCHES: Final = (*KIND_TAGS, "str", "int")
_NAME: Final = "must be a name of a-z, 0-9 and _ that begins with a letter"
_ONE_OR_NONE: Final = 'must be one character, or "" where there is none'
_OWN_WORDS: Final = {
    "sender": "must be your partner id: 1 to 64 of A-Z a-z 0-9 . _ -",
    "delimiter": 'must be one character (a tab is "\\t"), no quote and no line break',
    "quote": "must be one character, no line break",
    "decimal": _ONE_OR_NONE,
    "thousands": _ONE_OR_NONE,
}
"""Of settings whose texts have a rule; all other texts with a rule are names."""

_UNSAID: Final = "is no value that this setting takes; see services/formats/README.md"
_WORDS: Final = {
    "missing": "is required",
    "union_tag_invalid": f"is of an unknown kind; write one of {', '.join(KIND_TAGS[:7])}",
    "string_type": "must be a text in quotes",
    "string_too_short": "must not be empty",
    "string_pattern": _NAME,
    "int_": "must be a whole number",
    "bool_": "must be true or false",
    "tuple_": "must be a list: [ ... ]",
    "list_": "must be a list: [ ... ]",
    "dict_": "must be a table",
    "model_": "must be a table",
    "time_": "must be a time of day: 12:00:00",
    "too_short": "must have {min_length} or more in its list",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}
"""By how the type of an error begins."""


class MappingError(ValueError):
    """A mapping cannot be used; each of `problems` names the place in the TOML and what to do."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.problems = problems
        rows = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{name} is no usable mapping (entries are counted from 1):\n{rows}")


def load_mapping(path: Path) -> FileMapping:
    """Read a mapping file. Raises MappingError, OSError."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MappingError(path.name, [f"is not UTF-8: byte {error.start} is wrong"]) from None
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str = "the mapping") -> FileMapping:
    """Read a mapping from its TOML text and check it as a whole. Raises MappingError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise MappingError(name, [toml_syntax_of(error)]) from None
    try:
        mapping = FileMapping.model_validate(document)
    except ValidationError as error:
        raise MappingError(name, _problems(error)) from None
    problems = problems_of(mapping)
    if problems:
        raise MappingError(name, problems)
    return mapping


def _problems(error: ValidationError) -> list[str]:
    rows = error.errors(include_url=False, include_input=False)
    # A list whose only part is wrong is not too short as well.
    within = {row["loc"][:length] for row in rows for length in range(len(row["loc"]))}
    told = [row for row in rows if row["type"] != "too_short" or row["loc"] not in within]
    return list(dict.fromkeys(f"{_path(row['loc'])}: {_said(row)}" for row in told))


def _path(location: tuple[int | str, ...]) -> str:
    """Write a place as the TOML has it: `columns.order_no.kind`, `events[1].id`."""
    path = ""
    for position, step in enumerate(location):
        if step == "[key]":
            continue
        # Under columns.<name> pydantic names the branch of the union, which the file does not have,
        # and behind constants.<name> the type that it tried.
        if position == 2 and location[0] in ("columns", "constants") and step in _BRANCHES:
            continue
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".") or "the file"


def _said(row: ErrorDetails) -> str:
    """Say what is wrong with a setting, in words of our own."""
    kind, bounds, location = row["type"], row.get("ctx", {}), row["loc"]
    setting = str(location[-1]) if location else ""
    words = next((text for begin, text in _WORDS.items() if kind.startswith(begin)), _UNSAID)
    if location[:1] == ("constants",) and setting != "[key]":
        words = "must be a text in quotes or a whole number"
    elif setting in _OWN_WORDS and kind.startswith("string"):
        words = _OWN_WORDS[setting]
    return words.format(**bounds)
