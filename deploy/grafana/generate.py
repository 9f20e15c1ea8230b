"""Writes the dashboards as JSON files, or lists those that are stale.

Run as `python -m deploy.grafana.generate [--check]` from the root of the repository.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana import cluster, coaching, overview, pipeline, supplier

FOLDER: Final = Path(__file__).parent / "dashboards"
_MAKERS: Final = (overview, cluster, supplier, coaching, pipeline)


def dashboards() -> Mapping[str, str]:
    """Return the JSON text of every dashboard by the name of its file."""
    made = [maker.dashboard().build() for maker in _MAKERS]
    return {
        f"{str(one.uid).removeprefix('rantai-')}.json": json.dumps(
            one, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for one in made
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the names of files that differ from the code, are missing, or are extra."""
    wanted = dashboards()
    found = {path.name: path.read_text() for path in folder.glob("*.json")}
    return sorted(
        name for name in {*wanted, *found} if wanted.get(name) != found.get(name)
    )  # fmt: skip


def main() -> int:
    """Write the dashboards or, with `--check`, only compare; return 1 if one is stale then."""
    if "--check" in sys.argv[1:]:
        names = stale()
        for name in names:
            print(f"{FOLDER / name} is stale: run python -m deploy.grafana.generate")
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    for name in stale():
        (FOLDER / name).unlink(missing_ok=True)
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
