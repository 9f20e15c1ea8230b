"""The table in docs/operations.md has every setting with its present default and meaning."""

from pathlib import Path

from services.settings import as_table

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def test_every_setting_is_in_the_table() -> None:
    # `python -m services.settings` prints the table.
    assert as_table() in OPERATIONS.read_text()
