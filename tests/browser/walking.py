"""Walks through a site along its links, as a reader would, to a few pages of each kind."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Page

_MOST_PAGES: Final = 40
_MOST_OF_A_KIND: Final = 2
_ID: Final = re.compile(r"[A-Z]+-[A-Z0-9-]+|\d{4}-\d{2}-\d{2}|[0-9a-f]{16,}")
_FILES: Final = (".pdf", ".csv", ".xlsx")


def kind(address: str) -> str:
    """Return the kind of page at an address: its path without ids, and its parameters' names.

    Parameters that every page may have (day, window, language, page of a list) are left out.
    """
    parts = urlsplit(address)
    names = sorted(re.findall(r"(?:^|&)([a-z_]+)=", parts.query))
    about = [name for name in names if name not in ("as_of", "window_days", "lang", "page")]
    return _ID.sub("*", parts.path) + ("?" + "&".join(about) if about else "")


def walk(page: Page, begin: str) -> Iterator[str]:
    """Visit pages along links from a first one on, up to two of a kind; yield each address."""
    waiting, seen, of_kind = [begin], {begin}, dict[str, int]()
    while waiting and sum(of_kind.values()) < _MOST_PAGES:
        address = waiting.pop(0)
        this = kind(address)
        if of_kind.get(this, 0) >= _MOST_OF_A_KIND:
            continue
        of_kind[this] = of_kind.get(this, 0) + 1
        response = page.goto(address)
        assert response is not None
        assert response.status == 200, (address, response.status)
        yield address
        for link in page.locator("a[href]:not([hreflang])").all():
            target = urljoin(page.url, link.get_attribute("href") or "").split("#")[0]
            own = urlsplit(target).netloc == urlsplit(begin).netloc
            file = urlsplit(target).path.endswith(_FILES) or "format=" in target
            if own and not file and target not in seen:
                seen.add(target)
                waiting.append(target)
