"""What belongs to the operator's account stays with the operator."""

import pytest

from memproxy.closed import Closed, closed


@pytest.mark.parametrize(
    "path",
    ["/v1/organization/costs", "/v1/organizations/me", "/v1/projects", "/v1/projects/p/api_keys", "/v1//projects/"],
)
def test_the_account_is_closed(path: str):
    assert closed("GET", path) is Closed.ACCOUNT


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/files"),
        ("POST", "/v1/files"),
        ("GET", "/v1/files/file-1/content"),
        ("DELETE", "/v1/vector_stores/vs_1"),
        ("GET", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("GET", "/v1/chat/completions"),
        ("GET", "/v1/chat/completions/chatcmpl-1/messages"),
        ("GET", "/v1/messages/batches"),
        ("GET", "/v1beta/files/f"),
        ("POST", "/upload/v1beta/files"),
        ("GET", "/v1beta/cachedContents"),
    ],
)
def test_stored_objects_are_closed(method: str, path: str):
    assert closed(method, path) is Closed.OBJECTS


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/responses/input_tokens"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("GET", "/v1/models"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/audio/speech"),
        ("POST", "/v1beta/models/gemini:generateContent"),
        ("GET", "/v1/filesystem"),
    ],
)
def test_what_names_no_stored_object_is_open(method: str, path: str):
    assert closed(method, path) is None
