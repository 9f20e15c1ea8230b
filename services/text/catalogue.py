"""The catalogue of the pages' sentences: `python -m services.text.catalogue [--check]`.

Without `--check` it brings `rantai.po` up to date with what code and templates say; what is new
stands there without a translation. With it, it fails where anything is missing or stale.
"""

import argparse
import sys
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from services.text.language import INDONESIAN

_HERE: Final = Path(__file__).parent
_SERVICES: Final = _HERE.parent
_KEYWORDS: Final = {"mark": None, "text": None, "texts": (1, 2), "_": None, "ngettext": (1, 2)}
_METHODS: Final = [
    ("text/**.py", "python"),
    ("web/**.py", "python"),
    ("web/**.html", "jinja2"),
]
_OPTIONS: Final = {
    # Not silent: a template that can't be read would lose its sentences without a word.
    "web/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
}


def extracted() -> Catalog:
    """Return every sentence that code and templates say."""
    found = Catalog(charset="utf-8")
    rows = extract_from_dir(
        _SERVICES, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS, comment_tags=()
    )
    for _, _, message, _, context in rows:
        found.add(message, context=context)
    return found


def kept(code: str = INDONESIAN) -> Catalog:
    """Return the catalogue of a language as it is kept."""
    with _file(code).open("rb") as file:
        return read_po(file, locale=code)


def faults(code: str = INDONESIAN) -> list[str]:
    """Return what is wrong with a catalogue: sentences missing, in doubt, malformed or not said."""
    said, catalogue = extracted(), kept(code)
    found = [
        f"not in the catalogue: {one.id}" for one in said if one.id and one.id not in catalogue
    ]
    for one in catalogue:
        if not one.id:
            continue
        words = one.string if isinstance(one.string, list | tuple) else [one.string]
        if one.id not in said:
            found.append(f"said nowhere any more: {one.id}")
        if not all(words):
            found.append(f"not translated: {one.id}")
        if one.fuzzy:
            found.append(f"in doubt: {one.id}")
        found += [f"{error}: {one.id}" for error in one.check(catalogue)]
    return found


def update(code: str = INDONESIAN) -> None:
    """Write a catalogue anew: the sentences that are said, with the translations there are."""
    catalogue = kept(code)
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    out = BytesIO()
    # Sorted by sentence and without places, so that two who add sentences can be merged.
    write_po(out, catalogue, width=100, no_location=True, sort_output=True, omit_header=False)
    _file(code).write_bytes(out.getvalue())


def _file(code: str) -> Path:
    return _HERE / "locale" / code / "LC_MESSAGES" / "rantai.po"


def main() -> int:
    """Bring the catalogue up to date, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where it is incomplete or stale")
    if not parser.parse_args().check:
        update()
        return 0
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        print("run: python -m services.text.catalogue", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
