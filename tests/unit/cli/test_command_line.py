"""The `rantai` command: its version and shell completion."""

import os
import subprocess
import sys
import tomllib

import pytest

from tests.containers.compose import ROOT


def completed(*words: str) -> tuple[list[str], str]:
    """Return the completions for these words in bash, and the log of imported modules."""
    variables = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-c",
            "import sys; sys.argv = ['rantai']; import services.cli as c; c.main()",
        ],
        env={**os.environ, "_RANTAI_COMPLETE": "complete_bash", **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split(), done.stderr


def test_it_prints_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert done.stdout == f"rantai {version}\n"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("rantai", "re"), ["reconcile", "rejected", "rebuild"]),
        (("rantai", "keys", "c"), ["create"]),
        (("rantai", "keys", "create", "--ro"), ["--role"]),
    ],
)
def test_a_shell_completes_commands_and_options(words: tuple[str, ...], found: list[str]) -> None:
    assert completed(*words)[0] == found


def test_completing_a_command_loads_no_engine() -> None:
    _, imported = completed("rantai", "")
    assert "typer" in imported
    assert "chdb" not in imported
    assert "services.store" not in imported
