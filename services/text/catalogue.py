"""Updates and checks the catalogue of translations: `python -m services.text.catalogue [--check]`.

Without `--check` it brings `rantai.po` up to date with the sentences in code and templates; new
sentences are added without a translation. With `--check` it writes nothing, and exits with 1 if
sentences are missing, untranslated or unused.
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
    # Not silent: the sentences of a template that can't be parsed would be dropped unnoticed.
    "web/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
}


def extracted() -> Catalog:
    """Return every sentence that code and templates use."""
    found = Catalog(charset="utf-8")
    rows = extract_from_dir(
        _SERVICES, method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS, comment_tags=()
    )
    for _, _, message, _, context in rows:
        found.add(message, context=context)
    return found


def stored(code: str = INDONESIAN) -> Catalog:
    """Return the stored catalogue of a language."""
    with _file(code).open("rb") as file:
        return read_po(file, locale=code)


def faults(code: str = INDONESIAN) -> list[str]:
    """Return a catalogue's faults: sentences missing, unused, untranslated, fuzzy or malformed."""
    used, catalogue = extracted(), stored(code)
    found = [
        f"not in the catalogue: {one.id}" for one in used if one.id and one.id not in catalogue
    ]
    for one in catalogue:
        if not one.id:
            continue
        words = one.string if isinstance(one.string, list | tuple) else [one.string]
        if one.id not in used:
            found.append(f"in the catalogue, but not used: {one.id}")
        if not all(words):
            found.append(f"not translated: {one.id}")
        if one.fuzzy:
            found.append(f"marked as fuzzy: {one.id}")
        found += [f"{error}: {one.id}" for error in one.check(catalogue)]
    return found


def update(code: str = INDONESIAN) -> None:
    """Rewrite a catalogue with the sentences in use, and keep their translations."""
    catalogue = stored(code)
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    out = BytesIO()
    # Sorted and without source locations, so that branches which add sentences merge cleanly.
    write_po(out, catalogue, width=100, no_location=True, sort_output=True, omit_header=False)
    _file(code).write_bytes(out.getvalue())


def _file(code: str) -> Path:
    return _HERE / "locale" / code / "LC_MESSAGES" / "rantai.po"


def main() -> int:
    """Update or check the Indonesian catalogue, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing, and exit with 1 if it is incomplete or stale",
    )
    if not parser.parse_args().check:
        update()
        return 0
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        print("to update the catalogue, run: python -m services.text.catalogue", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
