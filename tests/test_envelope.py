"""The path and headers of a request say where it goes, whose it is, and what memory may do."""

import pytest
from multidict import CIMultiDict

from memproxy.auth import Caller
from memproxy.dialects.routes import Act, Provider
from memproxy.envelope import Target, call, target
from memproxy.errors import BadRequest, NotFound
from memproxy.exchange import MODES

ANYBODY = Caller("default")


def called(path: str = "/v1/chat/completions", **headers: str):
    return call("id", ANYBODY, CIMultiDict({k.replace("_", "-"): v for k, v in headers.items()}), to(path))


def to(raw: str, *, method: str = "POST", **headers: str) -> Target:
    return target(method, raw, CIMultiDict({k.replace("_", "-"): v for k, v in headers.items()}))


@pytest.mark.parametrize(
    ("raw", "path", "query", "named"),
    [
        ("/v1/models", "/v1/models", "", {}),
        ("/v1", "/v1", "", {}),
        ("/v1/files?limit=2&x=%2F", "/v1/files", "limit=2&x=%2F", {}),
        ("/v1/a%20b//c", "/v1/a%20b//c", "", {}),
        ("/v1beta/models?key=k", "/v1beta/models", "key=k", {}),
        ("/upload/v1beta/files", "/upload/v1beta/files", "", {}),
        ("/e/alice/v1/models", "/v1/models", "", {"entity": "alice"}),
        ("/e/alice/v1beta/models", "/v1beta/models", "", {"entity": "alice"}),
        ("/e/a%40b.c/p/app/s/42/v1/chat/completions", "/v1/chat/completions", "",
         {"entity": "a@b.c", "process": "app", "session": "42"}),
    ],
)  # fmt: skip
def test_the_prefix_is_taken_off_and_the_rest_kept_as_it_came(raw: str, path: str, query: str, named: dict):
    found = to(raw)
    assert (found.path, found.query, dict(found.named)) == (path, query, named)


@pytest.mark.parametrize("raw", ["/", "/v10/models", "/v1betamax", "/e/alice/models", "/memory", "/p/app/v1/models"])
def test_paths_off_the_data_plane_are_not_found(raw: str):
    with pytest.raises(NotFound):
        to(raw)


@pytest.mark.parametrize(
    "raw", ["/v1/chat/completions", "/v1/chat/completions/", "/v1/chat/completions?x=1", "/e/a/v1/chat/completions"]
)
def test_chat_is_known_by_its_path(raw: str):
    found = to(raw).route
    assert found is not None
    assert (found.dialect.name, found.act) == ("openai_chat", Act.TURN)


@pytest.mark.parametrize("raw", ["/v1/chat/completions/abc", "/v1/completions", "/v1/embeddings"])
def test_other_paths_are_nobody_s_business(raw: str):
    assert to(raw).route is None
    assert to("/v1/chat/completions", method="GET").route is None


@pytest.mark.parametrize(
    ("raw", "headers", "provider"),
    [
        ("/v1/chat/completions", {}, Provider.OPENAI),
        ("/v1/anything/new", {}, Provider.OPENAI),
        ("/v1/messages", {}, Provider.ANTHROPIC),
        ("/v1/messages/batches/b/results", {}, Provider.ANTHROPIC),
        ("/v1/models", {"anthropic_version": "2023-06-01"}, Provider.ANTHROPIC),
        ("/v1/models", {"x_goog_api_key": "k"}, Provider.GEMINI),
        ("/v1/models/gemini-x:generateContent", {}, Provider.GEMINI),
        ("/v1beta/openai/chat/completions", {}, Provider.GEMINI),
        ("/upload/v1beta/files", {}, Provider.GEMINI),
    ],
)
def test_path_and_headers_say_whose_api_it_is(raw: str, headers: dict, provider: Provider):
    assert to(raw, **headers).provider is provider


@pytest.mark.parametrize(
    ("header", "value", "session"),
    [
        ("session_id", "0199-abcdef", "0199-abcdef"),
        ("X-Session-Id", "0199_abcdef", "0199_abcdef"),
        ("x-kilocode-session-id", "task12345", "task12345"),
        ("conversation_id", "conv_12345", "conv_12345"),
        ("x-session-id", "short", None),
        ("x-session-id", "no spaces here", None),
        ("x-session-affinity", "0199-abcdef", None),
    ],
)
def test_the_session_that_an_agent_names_is_taken(header: str, value: str, session: str | None):
    found = call("id", ANYBODY, CIMultiDict({header: value}), to("/v1/chat/completions"))
    assert found.session == session


def test_a_header_goes_before_the_path():
    assert called("/e/alice/v1/chat/completions", X_Memproxy_Entity="bob").entity == "bob"
    assert called("/e/alice/v1/chat/completions").entity == "alice"


@pytest.mark.parametrize("header", ["X-Memproxy-Entity", "X-Memproxy-Process", "X-Memproxy-Session"])
def test_an_invalid_id_is_refused_by_the_name_of_its_header(header: str):
    with pytest.raises(BadRequest, match=header) as refused:
        call("id", ANYBODY, CIMultiDict({header: "no spaces"}), to("/v1/models"))
    assert refused.value.param == header


def test_an_invalid_id_in_the_path_is_refused():
    with pytest.raises(BadRequest, match="the entity in the path"):
        called("/e/%2e%2e%2f/v1/models")


@pytest.mark.parametrize("mode", MODES)
def test_each_memory_mode_is_known(mode: str):
    assert called(X_Memproxy_Memory=mode.upper()).mode == MODES[mode]


def test_another_memory_mode_is_refused():
    with pytest.raises(BadRequest, match="on, off, recall, capture"):
        called(X_Memproxy_Memory="maybe")
