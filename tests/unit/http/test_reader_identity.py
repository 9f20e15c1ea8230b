"""`ReaderIdentity`: how the limits per reader tell readers apart."""

from pathlib import Path

import pytest
from starlette.requests import Request

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links
from services.http.reads import ReaderIdentity


def request(path: str, **headers: str) -> Request:
    rows = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": path,
            "headers": rows,
            "client": ("192.0.2.1", 4711),
        }
    )


def test_a_reader_is_identified_by_key_or_link_else_by_address(tmp_path: Path) -> None:
    keys, links = KeyStore(tmp_path / "keys.json"), Links(tmp_path / "link.secret")
    key = keys.create(Role.BUYER, "B1")
    token = links.create(LinkHolder(Role.SUPPLIER, "S1"))
    identify = ReaderIdentity(keys, links)
    assert identify(request("/v1/suppliers", authorization=f"Bearer {key}")).startswith("key:")
    assert identify(request(f"/s/{token}")).startswith("link:")
    for path in ("/v1/suppliers", "/s/forged", "/"):
        assert identify(request(path)) == "address:192.0.2.1"
    assert identify(request("/", authorization="Bearer rtk_none")) == "address:192.0.2.1"


@pytest.mark.parametrize("file", ["keys.json", "links.json"])
def test_an_unreadable_file_raises_nothing_here_because_the_handler_reports_it(
    tmp_path: Path, file: str
) -> None:
    links = Links(tmp_path / "link.secret")
    token = links.create(LinkHolder(Role.SUPPLIER, "S1"))
    (tmp_path / file).write_text("{")
    # The files are damaged before the first read, so there are no earlier records to use.
    identify = ReaderIdentity(KeyStore(tmp_path / "keys.json"), Links(tmp_path / "link.secret"))
    for damaged in (request("/", authorization="Bearer rtk_x_y"), request(f"/s/{token}")):
        assert identify(damaged).partition(":")[0] in ("address", "link", "key")
