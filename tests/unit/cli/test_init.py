"""`rantai init`: secrets are random, readable by their owner only, and never changed."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.cli.init import SECRETS, write_secrets
from tests.containers.compose import read_environment

NAMES = [secret.name for secret in SECRETS]


def init(directory: Path) -> str:
    """Run the command and return what it printed."""
    done = CliRunner().invoke(app, ["init", "--directory", str(directory)])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_secret_is_random_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    drawn: list[str] = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        output = init(folder)
        file = folder / ".env"
        values = read_environment(file)
        assert list(values) == NAMES
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(folder.iterdir()) == [file]
        assert not any(value in output for value in values.values())
        drawn += values.values()
    assert len(set(drawn)) == 2 * len(NAMES)
    assert all(len(value) >= 22 for value in drawn)


def test_a_second_run_changes_only_the_file_mode(tmp_path: Path) -> None:
    init(tmp_path)
    file = tmp_path / ".env"
    before = file.read_text()
    file.chmod(0o644)
    assert "nothing was changed" in init(tmp_path)
    assert file.read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_present_values_stay_and_missing_ones_are_added(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    own = f"# mine\nRANTAI_BIND=0.0.0.0\nexport {NAMES[1]}=given\n{NAMES[2]}=\n# {NAMES[3]}=no"
    file.write_text(own)
    assert write_secrets(file) == [NAMES[0], *NAMES[2:]]
    text = file.read_text()
    assert text.startswith(own + "\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert text.count(f"{NAMES[1]}=") == 1
    for name in (NAMES[0], *NAMES[2:]):
        assert len(text.rpartition(f"\n{name}=")[2].partition("\n")[0]) >= 22
    assert write_secrets(file) == []


def test_a_failed_write_keeps_the_present_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Broker and store were set up with these values: other ones would lock the services out.
    file = tmp_path / ".env"
    file.write_text(f"{NAMES[0]}=given\n")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("services.cli.init.os.fsync", full)
    done = CliRunner().invoke(app, ["init", "--directory", str(tmp_path)])
    assert done.exit_code == 2
    assert "No space left" in done.output
    assert file.read_text() == f"{NAMES[0]}=given\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["init", "--directory", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "No such file" in done.output
