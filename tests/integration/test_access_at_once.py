"""Keys, links and sessions take effect, and end, with the very next request to a running process.

No test here waits between the two, because a person who pastes a command and a request into a
shell does not wait either.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.access.links import LinkHolder, Links
from services.kafka.embedded_broker import free_port
from tests.integration.process import RANTAI, START_SECONDS, Process, Up, rantai, run

TIMES = 50


class Door:
    """A client of a running process, with the files of keys that commands change."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.http = httpx.Client(base_url=url, timeout=60)
        self.keys = KeyStore(data_dir / "keys.json")

    def status(self, key: str) -> int:
        """Return the status of an invalid event: 422 if the key is valid, else 401."""
        sent = {
            "authorization": f"Bearer {key}",
            "content-type": "application/cloudevents+json",
        }
        return self.http.post("/v1/events", headers=sent, content=b"{}").status_code

    def signed_in(self, key: str) -> httpx.Response:
        """Sign in with a key."""
        headers = {"sec-fetch-site": "same-origin", "cookie": ""}
        return self._alone(self.http.post("/sign-in", data={"key": key}, headers=headers))

    def page(self, path: str, answered: httpx.Response | None = None) -> httpx.Response:
        """Open a page as a browser with the cookies of an earlier response, or without cookies."""
        kept = {} if answered is None else dict(answered.cookies)
        cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
        return self._alone(self.http.get(path, headers={"cookie": cookie}))

    def _alone(self, answer: httpx.Response) -> httpx.Response:
        self.http.cookies.clear()
        return answer


@pytest.fixture(scope="module")
def early() -> dict[str, str]:
    """Keys that are created before the process starts and while it starts, by time of creation."""
    return {}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, early: dict[str, str]) -> Iterator[Door]:
    made = Up(tmp_path_factory.mktemp("up"))
    store = KeyStore(made.data_dir / "keys.json")
    early["before"] = store.create(Role.BUYER, "EARLY")
    deadline = time.monotonic() + START_SECONDS
    try:
        made.process.start()
        while not _answers(made.url + "/readyz"):
            assert made.process.alive, made.log()
            assert time.monotonic() < deadline, made.log()
            early[f"while it starts, {len(early)}"] = store.create(Role.BUYER, "EARLY")
            time.sleep(0.2)
        yield Door(made.url, made.data_dir)
    finally:
        made.end()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A separate gateway. It needs no broker to know which keys are valid."""
    folder, port = tmp_path_factory.mktemp("gateway"), free_port()
    environment = {
        "RANTAI_KAFKA": f"127.0.0.1:{free_port()}",
        "RANTAI_DATA_DIR": str(folder),
        "RANTAI_PORT": str(port),
    }
    process = Process([*RANTAI, "gateway"], folder / "gateway.log", environment)
    url = f"http://127.0.0.1:{port}"
    try:
        process.start()
        process.await_answer(url + "/healthz")
        yield Door(url, folder)
    finally:
        process.kill()


@pytest.fixture(params=["up", "gateway"])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.getfixturevalue(request.param)
    return found


def test_a_key_is_good_with_the_first_request_and_refused_with_the_next(door: Door) -> None:
    for number in range(TIMES):
        key = door.keys.create(Role.BUYER, f"B{number % 3}")
        assert door.status(key) == 422, number
        door.keys.revoke(key.split("_")[1])
        assert door.status(key) == 401, number


def test_a_key_that_was_made_before_or_during_the_start_is_good(
    up: Door, early: dict[str, str]
) -> None:
    assert len(early) > 1
    assert {when: up.status(key) for when, key in early.items()} == dict.fromkeys(early, 422)


def test_a_command_is_done_when_it_returns(up: Door) -> None:
    where = ("--data-dir", str(up.data_dir))
    key = rantai("keys", "create", *where, "--role", "buyer", "--partner", "B9").split()[-1]
    assert up.status(key) == 422
    rantai("keys", "revoke", key, *where)
    assert up.status(key) == 401
    path = _path(rantai("link", "YDBA", "--role", "programme", *where).split()[-1])
    assert up.page(path).status_code == 200
    rantai("links", "revoke", Links(up.data_dir / "link.secret").records()[-1].link_id, *where)
    assert up.page(path).status_code == 403


def test_a_link_and_the_session_that_it_began_end_with_the_next_request(up: Door) -> None:
    links = Links(up.data_dir / "link.secret")
    for number in range(TIMES):
        token = links.create(LinkHolder(Role.PROGRAMME, "YDBA"))
        opened = up.page(f"/s/{token}")
        assert opened.status_code == 200, number
        assert up.page("/", opened).headers["location"] == "/programme"
        links.revoke(links.open(token).link_id)
        assert up.page(f"/s/{token}").status_code == 403, number
        assert up.page("/", opened).headers["location"] == "/sign-in"
        assert up.page("/programme", opened).status_code == 401


def test_a_session_of_a_key_begins_at_once_and_ends_with_it(up: Door) -> None:
    for number in range(10):
        key = up.keys.create(Role.PROGRAMME, "YDBA")
        signed_in = up.signed_in(key)
        assert signed_in.status_code == 303, number
        assert up.page("/", signed_in).headers["location"] == "/programme"
        up.keys.revoke(key.split("_")[1])
        assert up.page("/", signed_in).headers["location"] == "/sign-in"
        assert up.signed_in(key).status_code == 401


def test_keys_that_cannot_be_read_leave_senders_in_and_tell_the_operator(gateway: Door) -> None:
    key = gateway.keys.create(Role.BUYER, "AHM")
    assert gateway.status(key) == 422
    good = gateway.keys.path.read_bytes()
    gateway.keys.path.write_bytes(b"{")
    try:
        # Keys that the process has read stay valid, and the command says what is wrong.
        assert gateway.status(key) == 422
        done = run("keys", "list", "--data-dir", str(gateway.data_dir))
        assert done.returncode == 2
        assert "keys.json is not a valid list of keys" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        gateway.keys.path.write_bytes(good)


def test_commands_and_services_agree_on_the_file_of_keys(tmp_path: Path) -> None:
    file = tmp_path / "mounted" / "keys.json"
    where = ("--data-dir", str(tmp_path))
    environment = {"RANTAI_KEYS_FILE": str(file)}
    made = rantai(
        *("keys", "create", *where, "--role", "buyer", "--partner", "B1"), environment=environment
    )
    assert KeyStore(file).authenticate(made.split()[-1]) is not None
    assert "1 valid" in run("doctor", *where, environment=environment).stdout
    assert [one.name for one in tmp_path.iterdir()] == ["mounted"]


def _path(url: str) -> str:
    return "/s/" + url.rpartition("/")[2]
