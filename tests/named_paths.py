"""`python -m tests.named_paths` checks that every document and path that code and docs name exists.

`make lint` runs it. It checks Markdown links with their anchors, paths that begin with a folder
of this tree, and file names with a known ending in backticks.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_FOLDERS: Final = "services|schemas|tests|docs|deploy"
_ENDINGS: Final = "py|sql|md|toml|html|css|xml|yml|yaml|sh|po"
_LINK: Final = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_PATH: Final = re.compile(rf"(?<![\w./$-])((?:{_FOLDERS})/[\w./-]*[\w/])(?![\w<])")
_NAME: Final = re.compile(rf"`([\w-]+\.(?:{_ENDINGS}))`")
_DOCUMENT: Final = re.compile(r"\b([A-Z][A-Z_]+\.md)\b")
_BINARY: Final = frozenset({".png", ".ico"})
_ELSEWHERE: Final = frozenset(
    {"mapping.toml", "ours.toml", "docker-compose.override.yml", "secret.yaml", "config.xml"}
)
"""Files that the docs ask the reader to write, and files of other programs."""
_PLACEHOLDER: Final = "NNNN"


def main() -> int:
    """Print every name of a missing file; return 1 if there is any, else 0."""
    faults = [fault for file in tracked() for fault in faults_of(file)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / line for line in listed.stdout.splitlines())
    return tuple(path for path in paths if path.is_file())


def faults_of(file: Path) -> Iterator[str]:
    """Yield a message with line number for each missing file that this file names."""
    if (
        file.suffix in _BINARY
        or file.suffix == ".lock"
        or file.is_relative_to(ROOT / "schemas/generated")
    ):
        return
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        for fault in _faults(file, line):
            yield f"{file.relative_to(ROOT)}:{number}: {fault}"


def _faults(file: Path, line: str) -> Iterator[str]:
    if file.suffix == ".md":
        for link in _LINK.findall(line):
            if not _link_target_exists(file, link):
                yield f"the target of the link {link} does not exist"
        line = _LINK.sub("]", line)
    for path in _PATH.findall(line):
        if _PLACEHOLDER not in path and not _exists(file, path):
            yield f"{path} does not exist"
    for name in (*_NAME.findall(line), *_DOCUMENT.findall(line)):
        if name not in _names() | _ELSEWHERE and _PLACEHOLDER not in name:
            yield f"there is no file named {name}"


def _link_target_exists(file: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = file.parent / path if path else file
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in _anchors(target)


def _exists(file: Path, path: str) -> bool:
    # The path may end with the full stop of a sentence; a module may be named without `.py`.
    bare = path.rstrip(".")
    places = (ROOT / bare, file.parent / bare, ROOT / f"{bare}.py")
    return any(place.exists() for place in places)


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in tracked())


@cache
def _anchors(document: Path) -> frozenset[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    letters = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return frozenset(text.strip().replace(" ", "-") for text in letters)


if __name__ == "__main__":
    sys.exit(main())
