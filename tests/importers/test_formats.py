"""The format of a file is told by its first record."""

from __future__ import annotations

import pytest

from memproxy.errors import BadRequest
from memproxy.importers.formats import detect
from memproxy.importers.records import records

from .reading import DATA


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("chatgpt/conversations.json", "chatgpt"),
        ("claude/conversations.json", "claude"),
        ("finetune.jsonl", "jsonl"),
        ("log.jsonl", "jsonl"),
    ],
)
def test_each_sample_is_known_by_its_first_record(name: str, format: str):
    assert detect(next(records((DATA / name).read_bytes())).value) == format


@pytest.mark.parametrize("value", [{}, {"a": 1}, [], {"role": "user"}, None])
def test_what_is_none_of_them_is_refused(value: object):
    with pytest.raises(BadRequest):
        detect(value)
