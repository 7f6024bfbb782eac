"""Settings come from flag, environment, file and default, in this order, and say what is wrong with them."""

import re
from pathlib import Path

import pytest

from memproxy.config import Settings, host_port, is_loopback, load
from memproxy.errors import ConfigError


def settings(**flags: object) -> Settings:
    return load(flags=flags, env={})[0]


def test_a_flag_wins_over_the_environment_the_environment_over_the_file(tmp_path: Path):
    file = tmp_path / "memproxy.toml"
    file.write_text("token_budget = 1\nsession_token_budget = 1\nrecall_timeout = 1.0\n")
    env = {"MEMPROXY_TOKEN_BUDGET": "2", "MEMPROXY_SESSION_TOKEN_BUDGET": "2", "MEMPROXY_CONFIG": str(file)}
    found, _ = load(flags={"token_budget": "3", "listen": None}, env=env)
    assert (found.token_budget, found.session_token_budget, found.recall_timeout) == (3, 2, 1.0)
    assert found.listen == "127.0.0.1:8700"


def test_an_unknown_setting_in_a_file_is_refused_with_the_likely_name(tmp_path: Path):
    file = tmp_path / "memproxy.toml"
    file.write_text("token_bugdet = 1\n")
    with pytest.raises(ConfigError, match=r"'token_bugdet'; did you mean 'token_budget'"):
        load(file=file, env={})


def test_an_unknown_variable_is_a_warning_since_platforms_set_some_of_their_own():
    found, warnings = load(env={"MEMPROXY_PORT": "tcp://10.0.0.1:80", "MEMPROXY_RECALL_TIMEOUTS": "1"})
    assert found.recall_timeout == 0.15
    assert "MEMPROXY_RECALL_TIMEOUTS" in warnings[1]
    assert "did you mean 'recall_timeout'" in warnings[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"token_budget": "many"}, "--token-budget"),
        ({"upstream": "api.openai.com"}, "--upstream: must be an http"),
        ({"listen": "8700"}, "--listen: '8700' is not host:port"),
        ({"admin_key": "short"}, "--admin-key: must have at least 32 characters"),
        ({"entity": "not valid"}, "--entity: must be 1-128 characters"),
        ({"recall_timeout": "0"}, "--recall-timeout"),
        ({"auth": "none"}, "--auth"),
        ({"auth": "keys", "entity": "me"}, "bind the entity to a key"),
    ],
)
def test_a_bad_value_is_named_with_its_remedy(given: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        settings(**given)


def test_a_bad_value_is_named_as_it_was_spelled(tmp_path: Path):
    file = tmp_path / "memproxy.toml"
    file.write_text("token_budget = -1\n")
    with pytest.raises(ConfigError, match=re.escape(f"token_budget in {file}")):
        load(file=file, env={})
    with pytest.raises(ConfigError, match="MEMPROXY_TOKEN_BUDGET"):
        load(env={"MEMPROXY_TOKEN_BUDGET": "x"})


@pytest.mark.parametrize("content", ["token_budget = = 1", None])
def test_a_settings_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None):
    file = tmp_path / "memproxy.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"memproxy\.toml"):
        load(file=file, env={})


def test_secrets_hide_in_the_repr_and_in_errors():
    found = settings(upstream_key="sk-secret", admin_key="a" * 32)
    assert "sk-secret" not in repr(found)
    with pytest.raises(ConfigError) as refused:
        settings(admin_key="hunter2")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("listen", "mode"),
    [("127.0.0.1:1", "open"), ("localhost:1", "open"), ("[::1]:1", "open"), ("0.0.0.0:1", "keys"), (":1", "keys"),
     ("10.0.0.1:1", "keys"), ("gateway.internal:1", "keys")],
)  # fmt: skip
def test_without_keys_memproxy_serves_this_machine_only(listen: str, mode: str):
    assert settings(listen=listen).auth_mode == mode


def test_open_beyond_loopback_must_be_said():
    assert settings(listen="0.0.0.0:1", auth="open").auth_mode == "open"


def test_addresses():
    assert host_port("[::1]:8700") == ("::1", 8700)
    assert host_port(":8700") == ("0.0.0.0", 8700)
    assert not is_loopback(":8700")
    for bad in ("host", "host:", "host:x", "host:70000"):
        with pytest.raises(ValueError, match="host:port"):
            host_port(bad)


def test_every_setting_explains_itself():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
