"""Settings: read from the environment and checked; an error names the variable."""

from pathlib import Path

import pytest

from services.settings import Settings, SettingsError


def test_defaults_need_no_variable_and_hold_no_secret() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.keys_path == Path("var/rantai/keys.json")
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.clickhouse_url is None


def test_settings_come_from_variables_and_have_descriptions() -> None:
    given = {
        "RANTAI_KAFKA": "a:1,b:2",
        "RANTAI_DATA_DIR": "/data",
        "RANTAI_KEYS_FILE": "/secret/keys.json",
        "RANTAI_PUBLIC_URL": "https://rantai.example/",
        "RANTAI_PORT": "0",
        "RANTAI_FSYNC": "false",
        "RANTAI_BATCH_SECONDS": "0.05",
        "PATH": "/bin",
    }
    settings = Settings.from_environment(given)
    assert settings.kafka == "a:1,b:2"
    assert settings.keys_path == Path("/secret/keys.json")
    assert settings.base_url == "https://rantai.example"
    assert (settings.port, settings.fsync, settings.batch_seconds) == (0, False, 0.05)
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RANTAI_PORT", "eighty"),
        ("RANTAI_PORT", "70000"),
        ("RANTAI_BATCH_ROWS", "0"),
        ("RANTAI_SESSION_SECONDS", "1"),
        ("RANTAI_STALL_SECONDS", "-1"),
        ("RANTAI_FSYNC", "perhaps"),
        ("RANTAI_REPLICATION", "1.5"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: "):
        Settings.from_environment({name: value})


def test_all_wrong_variables_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as wrong:
        Settings.from_environment({"RANTAI_PORT": "x", "RANTAI_BATCH_ROWS": "y"})
    assert "RANTAI_PORT: " in str(wrong.value)
    assert "RANTAI_BATCH_ROWS: " in str(wrong.value)
