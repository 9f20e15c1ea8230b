"""Read a mapping file, with errors that name the place in the TOML and what to do."""

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
"""Messages for settings whose text has a pattern; every other text with a pattern is a name."""

_UNSAID: Final = "is not valid for this setting; see services/formats/README.md"
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
    "too_short": "must have {min_length} or more entries",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}
"""Messages by the beginning of the type of a pydantic error; the first that fits is taken."""


class MappingError(ValueError):
    """A mapping cannot be used; each of `problems` names the place in the TOML and what to do."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.problems = problems
        rows = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{name} is not a usable mapping (entries are counted from 1):\n{rows}")


def load_mapping(path: Path) -> FileMapping:
    """Read a mapping file. Raises MappingError if it is not usable, OSError if not readable."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MappingError(path.name, [f"is not UTF-8: byte {error.start} is wrong"]) from None
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str = "the mapping") -> FileMapping:
    """Read a mapping from its TOML text and check it as a whole.

    `name`: the mapping's name in the message of MappingError, raised if it is not usable.
    """
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
    # Pydantic also calls a list too short if its only entry is wrong.
    within = {row["loc"][:length] for row in rows for length in range(len(row["loc"]))}
    kept = [row for row in rows if row["type"] != "too_short" or row["loc"] not in within]
    return list(dict.fromkeys(f"{_path(row['loc'])}: {_message(row)}" for row in kept))


def _path(location: tuple[int | str, ...]) -> str:
    """Return a place as in the TOML: `columns.order_no.kind`, `events[1].id`."""
    path = ""
    for position, step in enumerate(location):
        if step == "[key]":
            continue
        # After columns.<name> pydantic adds the branch of the union, and after constants.<name> the
        # type that it tried. The file has neither.
        if position == 2 and location[0] in ("columns", "constants") and step in _BRANCHES:
            continue
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".") or "the file"


def _message(row: ErrorDetails) -> str:
    """Return what is wrong with a setting, in words of our own and not of pydantic."""
    kind, bounds, location = row["type"], row.get("ctx", {}), row["loc"]
    setting = str(location[-1]) if location else ""
    words = next((text for begin, text in _WORDS.items() if kind.startswith(begin)), _UNSAID)
    if location[:1] == ("constants",) and setting != "[key]":
        words = "must be a text in quotes or a whole number"
    elif setting in _OWN_WORDS and kind.startswith("string"):
        words = _OWN_WORDS[setting]
    return words.format(**bounds)
