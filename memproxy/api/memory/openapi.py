"""The OpenAPI 3.1 document, made from the table of calls and from the models that validate and answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from memproxy import __version__
from memproxy.api.memory.calls import JSON, NDJSON, Call, Lines
from memproxy.api.memory.fields import ID_PATTERN, Nothing
from memproxy.api.problems import PROBLEM, Problem
from memproxy.errors import (
    BadRequest,
    BodyTooLarge,
    Forbidden,
    MemproxyError,
    StoreUnavailable,
    Unauthorized,
    UnsupportedType,
)

Rows = Sequence[Call[Any, Any, Any]]
Json = dict[str, Any]

EVERYWHERE = (BadRequest, Unauthorized, Forbidden, StoreUnavailable)
WITH_BODY = (BodyTooLarge, UnsupportedType)
IDS = {
    "entity": "The person.",
    "id": "As the list shows it.",
    "request_id": "From the header `X-Memproxy-Request-Id` of a chat's reply.",
}
REF = "#/components/schemas/"


def document(calls: Rows, *, prefix: str, keys_only: bool) -> bytes:
    """`keys_only`: a key is required, as it is unless the service is open to its own machine."""
    paths: dict[str, Json] = {}
    for call in calls:
        paths.setdefault(prefix + call.path, {})[call.method.lower()] = _operation(call)
    key: Json = {"key": []}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "memproxy memory API",
                "version": __version__,
                "description": "Everything remembered about a person: told, recalled, corrected, carried away, erased.",
            },
            "security": [key] if keys_only else [{}, key],
            "paths": paths,
            "components": {
                "schemas": _schemas(calls),
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A memproxy key."}},
            },
        }
    ).encode()


def _schemas(calls: Rows) -> Json:
    """The models of bodies and replies, and those inside them, under their own names."""
    bodies = {call.body for call in calls if _is_model(call.body)}
    replies = {call.reply for call in calls if _is_model(call.reply)} | {Problem}
    modes: list[tuple[Any, JsonSchemaMode]] = [(model, "validation") for model in bodies]
    modes += [(model, "serialization") for model in replies]
    _, made = models_json_schema(modes, ref_template=REF + "{model}")
    return dict(sorted(made["$defs"].items()))


def _is_model(kind: type) -> bool:
    return issubclass(kind, BaseModel) and not issubclass(kind, Nothing)


def _operation(call: Call[Any, Any, Any]) -> Json:
    operation = {
        "operationId": call.run.__name__,
        "tags": [call.tag],
        "summary": call.summary,
        "parameters": [*_ids(call.path), *_parameters(call.query)],
        "responses": _responses(call),
    }
    if call.body is not Nothing:
        operation["requestBody"] = {"required": True, "content": _content(call.body)}
    return operation


def _ids(path: str) -> list[Json]:
    schema = {"type": "string", "pattern": ID_PATTERN}
    return [
        {"name": name, "in": "path", "required": True, "description": IDS[name], "schema": schema}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameters(model: type[BaseModel]) -> list[Json]:
    fields = model.model_json_schema().get("properties", {})
    return [_parameter(name, dict(schema)) for name, schema in fields.items()]


def _parameter(name: str, schema: Json) -> Json:
    """A query says nothing by leaving a parameter out: null is no value of one."""
    if "anyOf" in schema:
        [only] = (choice for choice in schema.pop("anyOf") if choice != {"type": "null"})
        schema |= only
    if schema.get("default", ...) is None:
        del schema["default"]
    described = {"description": text} if (text := schema.pop("description", None)) else {}
    return {"name": name, "in": "query", "required": False, **described, "schema": schema}


def _responses(call: Call[Any, Any, Any]) -> Json:
    good: Json = {"description": HTTPStatus(call.status).phrase}
    if call.reply is not Nothing:
        good["content"] = _content(call.reply)
    if call.status == HTTPStatus.CREATED:
        good["headers"] = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
    errors: tuple[type[MemproxyError], ...] = (
        *EVERYWHERE,
        *(() if call.body is Nothing else WITH_BODY),
        *call.errors,
    )
    problem = {PROBLEM: {"schema": {"$ref": REF + Problem.__name__}}}
    bad = {error.status: {"description": error.code, "content": problem} for error in errors}
    return {str(status): reply for status, reply in sorted(({call.status: good} | bad).items())}


def _content(kind: type) -> Json:
    if issubclass(kind, Lines):
        return {NDJSON: {"schema": {"type": "string"}}}
    return {JSON: {"schema": {"$ref": REF + kind.__name__}}}
