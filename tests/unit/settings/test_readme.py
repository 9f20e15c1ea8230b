"""The README says what is so: the table of settings is the settings."""

from pathlib import Path

from services.settings import as_table

README = Path(__file__).parents[3] / "README.md"


def test_every_setting_is_in_the_table() -> None:
    # Made by: python -m services.settings
    assert as_table() in README.read_text()
