"""Bytes to values: damage costs what it damages, and no more."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.errors import BadRequest
from memproxy.importers.records import records

TEXTS = st.text(st.sampled_from('ab"\\{}[],:\n é🦜'), max_size=8)
VALUES = st.recursive(
    TEXTS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3)


@given(st.lists(OBJECTS, max_size=4), st.booleans(), st.sampled_from([None, 1]))
def test_an_array_gives_its_elements_whatever_they_hold(values: list[object], escaped: bool, indent: int | None):
    data = json.dumps(values, ensure_ascii=escaped, indent=indent).encode(errors="replace")
    assert [record.value for record in records(data)] == json.loads(data)


@given(st.lists(OBJECTS, min_size=1, max_size=4))
def test_lines_give_their_values(values: list[object]):
    data = b"\n".join(json.dumps(value).encode() for value in values)
    assert [record.value for record in records(data)] == values


def test_one_object_over_many_lines_is_one_value():
    assert [record.value for record in records(json.dumps({"a": [1, 2]}, indent=2).encode())] == [{"a": [1, 2]}]


def test_a_mark_at_the_beginning_and_blank_lines_are_passed_over():
    assert [one.value for one in records(b'\xef\xbb\xbf\n[{"a": 1}]')] == [{"a": 1}]
    assert [(one.number, one.value) for one in records(b'{"a": 1}\r\n\r\n{"b": 2}')] == [(1, {"a": 1}), (3, {"b": 2})]


def test_a_file_that_broke_off_gives_what_is_complete():
    whole, rest = list(records(b'[{"a": 1}, {"b": "[}'))
    assert whole.value == {"a": 1}
    assert "downloaded to its end" in rest.fault


@pytest.mark.parametrize("damage", [b'{"a" 1}', b'{"a": "\xff"}', b'{"a": ' + b"[" * 9999 + b"]" * 9999 + b"}"])
def test_a_damaged_value_costs_no_other(damage: bytes):
    for data in (b'[{"a": 1},' + damage + b',{"b": 2}]', b'{"a": 1}\n' + damage + b'\n{"b": 2}'):
        first, second, third = records(data)
        assert (first.value, third.value) == ({"a": 1}, {"b": 2})
        assert second.fault
        assert second.number == 2


def test_a_record_says_how_far_the_file_is_read():
    data = b'[{"a": 1}, {"b": 2}]'
    assert [data[record.end - 1 : record.end] for record in records(data)] == [b"}", b"}"]


@pytest.mark.parametrize("data", [b"", b" \n ", b"hello", b"%PDF-1.7", b'{"a":\n "b\n', b"\x89PNG\r\n"])
def test_what_is_no_json_is_refused_as_a_whole(data: bytes):
    with pytest.raises(BadRequest):
        list(records(data))
