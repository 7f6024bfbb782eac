"""The OpenAPI document says what the table says, in terms that tools understand."""

from __future__ import annotations

import json
import re

import pytest
from aiohttp import web

from memproxy.api.memory.openapi import document
from memproxy.api.memory.table import CALLS

DOCUMENT = json.loads(document(CALLS, prefix="/memory/v1", keys_only=True))
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def operation(path: str, method: str) -> dict:
    return DOCUMENT["paths"][path][method]


def test_every_call_is_there_and_no_other():
    assert set(OPERATIONS) == {("/memory/v1" + call.path, call.method.lower()) for call in CALLS}
    names = [operation(*one)["operationId"] for one in OPERATIONS]
    assert len(set(names)) == len(CALLS)


def test_every_reference_leads_somewhere():
    schemas = DOCUMENT["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT))) == set(schemas)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_a_path_names_is_described(path: str, method: str):
    named = [one["name"] for one in operation(path, method)["parameters"] if one["in"] == "path"]
    assert named == re.findall(r"{(\w+)}", path)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_a_parameter_that_is_left_out_is_no_null(path: str, method: str):
    assert "null" not in json.dumps(operation(path, method)["parameters"])


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_refusal_is_a_problem(path: str, method: str):
    replies = operation(path, method)["responses"]
    refusals = {status: reply for status, reply in replies.items() if status >= "400"}
    assert {"400", "401", "403", "503"} <= set(refusals)
    assert {"413", "415"} <= set(refusals) or "requestBody" not in operation(path, method)
    for reply in refusals.values():
        assert list(reply["content"]) == ["application/problem+json"]


def test_rules_of_fields_are_in_it():
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["RecallIn"]["properties"]["limit"] | {"title": ""} == {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "default": 20,
        "title": "",
    }
    assert schemas["FactIn"]["additionalProperties"] is False
    assert schemas["FactPatch"]["minProperties"] == 1
    assert "null" not in json.dumps(schemas["FactPatch"]["properties"]["text"])
    assert schemas["FactOut"]["properties"]["superseded_by"]["description"]


def test_a_service_that_is_open_says_that_a_key_is_not_needed():
    assert DOCUMENT["security"] == [{"key": []}]
    assert json.loads(document(CALLS, prefix="", keys_only=False))["security"] == [{}, {"key": []}]


def test_routes_do_not_hide_each_other():
    """aiohttp takes the first that fits."""
    router = web.UrlDispatcher()
    made = [router.add_route(call.method, "/memory/v1" + call.path, _never) for call in CALLS]
    assert len({route.resource for route in made}) == len(DOCUMENT["paths"])


async def _never(_: web.Request) -> web.StreamResponse:
    raise AssertionError
