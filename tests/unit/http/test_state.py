"""Several applications of one process share the handlers and not the state."""

from pathlib import Path
from unittest.mock import MagicMock

from fastapi import FastAPI
from fastapi.testclient import TestClient

from schemas.catalogue import Role
from services.access.keys import KeyStore
from services.http.service import install
from services.scorecards import scorecard_api


def served(keys: KeyStore) -> TestClient:
    """Return a client of an application that knows these keys and no suppliers."""
    reader = MagicMock()
    reader.suppliers.return_value = (0, [])
    app = FastAPI()
    install(app)
    app.include_router(scorecard_api.routes(scorecard_api.Scorecards(keys, reader)))
    return TestClient(app)


def test_a_key_of_one_application_is_unknown_to_another(tmp_path: Path) -> None:
    stores = [KeyStore(tmp_path / f"{name}.json") for name in ("one", "other")]
    keys = [store.create(Role.PROGRAMME, "YDBA") for store in stores]
    clients = [served(store) for store in stores]
    for asked, client in enumerate(clients):
        for at, key in enumerate(keys):
            answer = client.get("/v1/suppliers", headers={"authorization": f"Bearer {key}"})
            assert answer.status_code == (200 if at == asked else 401)


def test_a_request_without_a_key_is_told_so_whatever_else_is_wrong(tmp_path: Path) -> None:
    client = served(KeyStore(tmp_path / "keys.json"))
    assert client.get("/v1/suppliers", params={"limit": 0}).status_code == 401
