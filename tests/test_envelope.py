"""The path and headers of a request say where it goes, whose it is, and what memory may do."""

import pytest
from multidict import CIMultiDict

from memproxy.auth import Caller
from memproxy.envelope import call, target
from memproxy.errors import BadRequest, NotFound
from memproxy.pipeline import MODES

ANYBODY = Caller("default")


def called(path: str = "/v1/chat/completions", **headers: str):
    return call("id", ANYBODY, CIMultiDict({k.replace("_", "-"): v for k, v in headers.items()}), target(path))


@pytest.mark.parametrize(
    ("raw", "path", "named"),
    [
        ("/v1/models", "/models", {}),
        ("/v1", "", {}),
        ("/v1/files?limit=2&x=%2F", "/files?limit=2&x=%2F", {}),
        ("/v1/a%20b//c", "/a%20b//c", {}),
        ("/e/alice/v1/models", "/models", {"entity": "alice"}),
        ("/e/a%40b.c/p/app/s/42/v1/chat/completions", "/chat/completions",
         {"entity": "a@b.c", "process": "app", "session": "42"}),
    ],
)  # fmt: skip
def test_the_prefix_is_taken_off_and_the_rest_kept_as_it_came(raw: str, path: str, named: dict):
    found = target(raw)
    assert (found.path, dict(found.named)) == (path, named)


@pytest.mark.parametrize("raw", ["/", "/v10/models", "/e/alice/models", "/memory", "/p/app/v1/models"])
def test_paths_off_the_data_plane_are_not_found(raw: str):
    with pytest.raises(NotFound):
        target(raw)


@pytest.mark.parametrize(
    "raw", ["/v1/chat/completions", "/v1/chat/completions/", "/v1/chat/completions?x=1", "/e/a/v1/chat/completions"]
)
def test_chat_is_known_by_its_path(raw: str):
    assert target(raw).is_chat


@pytest.mark.parametrize("raw", ["/v1/chat/completions/abc", "/v1/completions", "/v1/responses"])
def test_other_paths_are_not_chat(raw: str):
    assert not target(raw).is_chat


def test_a_header_goes_before_the_path():
    assert called("/e/alice/v1/chat/completions", X_Memproxy_Entity="bob").entity == "bob"
    assert called("/e/alice/v1/chat/completions").entity == "alice"


@pytest.mark.parametrize("header", ["X-Memproxy-Entity", "X-Memproxy-Process", "X-Memproxy-Session"])
def test_an_invalid_id_is_refused_by_the_name_of_its_header(header: str):
    with pytest.raises(BadRequest, match=header) as refused:
        call("id", ANYBODY, CIMultiDict({header: "no spaces"}), target("/v1/models"))
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
