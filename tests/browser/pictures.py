"""`make pictures`: takes the README's pictures again, of pages that show a simulated year."""

import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.browser.chromium import chromium, visiting
from tests.browser.site import live

_FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
_WIDTHS: Final = {"supplier": 390, "programme": 1280}
"""By the user whose first page is taken: the width of the screen in pixels."""


def main() -> int:
    """Start a Rantai with a simulated year, and save the top of each page as a PNG."""
    _FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rantai-pictures-") as folder:
        site = live(Path(folder))
        try:
            with chromium() as browser:
                for name, width in _WIDTHS.items():
                    with visiting(browser, site.url, width=width, language="en") as page:
                        page.goto(site.homes[name])
                        page.screenshot(path=_FOLDER / f"{name}.png")
        finally:
            site.up.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
