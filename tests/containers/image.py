"""Runs the steps of deploy/Dockerfile in a folder, in order, by the shell and as root.

The folders of the image are placed under one root folder. The machine's Python of the same version
stands in for the base images. A step must not need anything else of a container.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.containers.compose import ROOT

DOCKERFILE: Final = ROOT / "deploy" / "Dockerfile"
USER: Final = 10001
_FOLDERS: Final = ("/opt/rantai", "/build", "/var/lib/rantai")
_PYTHONS: Final = ("/usr/bin/python3.11", getattr(sys, "_base_executable", sys.executable))


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction of the Dockerfile and its text, with continued lines joined."""

    instruction: str
    text: str


def steps() -> list[Step]:
    """Return the instructions of the Dockerfile."""
    lines = [one for one in DOCKERFILE.read_text().splitlines() if not one.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [Step(name, text.strip()) for name, _, text in pairs]


@dataclass(slots=True)
class Image:
    """The image that the Dockerfile builds, under a `root` folder that every user may read."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    user: str = "0"
    workdir: str = "/"

    def here(self, text: str) -> str:
        """Return a text with the image's folders replaced by their places on this machine."""
        for folder in _FOLDERS:
            text = re.sub(rf"(?<![\w/]){folder}(?![\w-])", f"{self.root}{folder}", text)
        return text

    def build(self) -> None:
        """Run every step. If one fails, the AssertionError contains its output."""
        self._put_python_on_path()
        for step in steps():
            self._carry_out(step)

    def _put_python_on_path(self) -> None:
        (self.root / "bin").mkdir()
        program = self.root / "bin" / "python"
        python = next((one for one in _PYTHONS if _usable(one)), _PYTHONS[-1])
        program.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
        program.chmod(0o755)

    def _carry_out(self, step: Step) -> None:
        text = step.text
        if step.instruction == "FROM":
            # Each stage starts empty; only COPY --from takes something from the one before.
            self.environment, self.workdir, self.user = {}, "/", "0"
        elif step.instruction == "WORKDIR":
            self.workdir = text
            Path(self.here(text)).mkdir(parents=True, exist_ok=True)
        elif step.instruction == "ENV":
            self.environment |= dict(pair.split("=", 1) for pair in shlex.split(text))
        elif step.instruction == "RUN":
            self._run(text)
        elif step.instruction == "COPY":
            self._copy(shlex.split(text))
        elif step.instruction == "USER":
            self.user = text
        elif step.instruction == "ENTRYPOINT":
            self.entrypoint = json.loads(text)
        elif step.instruction == "CMD":
            self.command = json.loads(text)
        else:
            assert step.instruction in ("EXPOSE", "HEALTHCHECK"), step

    def _run(self, text: str) -> None:
        if os.geteuid() != 0:
            text = re.sub(r"--(owner|group) \d+ ", "", text)
        done = subprocess.run(
            ["/bin/sh", "-ec", self.here(text)],
            cwd=self.here(self.workdir),
            env=self._environment_of_a_step(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"

    def _environment_of_a_step(self) -> dict[str, str]:
        # This machine's package index and proxy are needed to install, but not part of the image.
        pip = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "HTTP", "NO_PROXY"))}
        path = f"{self.root}/bin:/usr/local/bin:/usr/bin:/bin"
        return {**pip, "PATH": path, "HOME": str(self.root), **self.environment}

    def _copy(self, words: list[str]) -> None:
        if words[0].startswith("--from="):
            # Copies from the previous stage, whose files are in the same folder already.
            assert words[1] == words[2]
            return
        *sources, to = words
        for source in sources:
            place = Path(self.here(self.workdir)) / to
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=_left_out)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)

    def may_be(self, user: int) -> bool:
        """Return whether a process can be started as another user and run the image's Python."""
        return os.geteuid() == 0 and _usable(self._python(), user)

    def _python(self) -> str:
        return str(self.root / "opt/rantai/bin/python")


def _left_out(_folder: str, names: list[str]) -> Iterator[str]:
    return (name for name in names if name == "__pycache__")


def _usable(python: str, user: int = USER) -> bool:
    """Return whether a Python has the right version and can make environments for a user."""
    if not Path(python).exists():
        return False
    as_user = {"user": user, "group": user, "extra_groups": []} if os.geteuid() == 0 else {}
    check = "import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))"
    try:
        done = subprocess.run([python, "-c", check], **as_user, cwd="/", check=False)  # type: ignore[call-overload]
    except PermissionError:
        return False
    return bool(done.returncode == 0)
