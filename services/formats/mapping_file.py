"""Reading a mapping file, with errors that name the place in the TOML and what to do."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from services.formats.columns import KIND_TAGS
from services.formats.mapping import FileMapping
from services.formats.mapping_checks import problems_of


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
        raise MappingError(name, [f"is not TOML: {error}"]) from None
    try:
        mapping = FileMapping.model_validate(document)
    except ValidationError as error:
        raise MappingError(name, _problems(error)) from None
    problems = problems_of(mapping)
    if problems:
        raise MappingError(name, problems)
    return mapping


def _problems(error: ValidationError) -> list[str]:
    rows = error.errors(include_url=False, include_context=False, include_input=False)
    return [f"{_path(row['loc'])}: {_said(row['type'], row['msg'])}" for row in rows]


def _path(location: tuple[int | str, ...]) -> str:
    """Write a place as the TOML has it: `columns.order_no.kind`, `events[1].id`."""
    path = ""
    for position, step in enumerate(location):
        if step == "[key]":
            continue
        # Under columns.<name> pydantic names the branch of the union, which the file does not have.
        if position == 2 and location[0] == "columns" and step in KIND_TAGS:
            continue
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".") or "the file"


def _said(kind: str, message: str) -> str:
    if kind == "missing":
        return "is required"
    if kind == "union_tag_invalid":
        return f"is of an unknown kind; write one of {', '.join(KIND_TAGS[:7])}"
    return message.removeprefix("Value error, ")
