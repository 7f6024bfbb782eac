"""Tool calls of a chat completion: their ids, and how the pieces of a stream become calls again."""

from __future__ import annotations

from typing import Any

_WHOLE = frozenset(("id", "type", "name"))
"""Fields that do not come in pieces; some servers repeat them with each."""


def calls_of(tool_calls: Any, function_call: Any) -> tuple[str, ...]:
    """The ids of tool calls. The older function call has none: its answer names the function."""
    if isinstance(tool_calls, list) and tool_calls:
        return tuple(str(call["id"]) for call in tool_calls if isinstance(call, dict) and call.get("id"))
    name = function_call.get("name") if isinstance(function_call, dict) else None
    return (name,) if isinstance(name, str) and name else ()


class Calls:
    """The calls that one choice makes, as far as they came."""

    __slots__ = ("_calls", "_function")

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, Any]] = {}
        self._function: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._calls or self._function)

    def add(self, pieces: list[Any]) -> None:
        for position, piece in enumerate(pieces):
            if isinstance(piece, dict):
                known = self._calls.setdefault(self._place(piece, position), {"id": "", "type": "function"})
                _accumulate(known, {field: value for field, value in piece.items() if field != "index"})

    def add_function(self, piece: dict[str, Any]) -> None:
        _accumulate(self._function, piece)

    def drop_last(self) -> None:
        self._function.clear()
        if self._calls:
            self._calls.popitem()

    def fields(self) -> dict[str, Any]:
        """As a message of the API has them."""
        found: dict[str, Any] = {}
        if self._calls:
            found["tool_calls"] = [_whole(call) for call in self._calls.values()]
        if self._function:
            found["function_call"] = _whole(self._function)
        return found

    def _place(self, piece: dict[str, Any], position: int) -> int:
        """A whole message numbers its calls by position, a stream by `index`; where a server gives several calls the
        same one, another id begins another call."""
        index, call_id = piece.get("index"), piece.get("id")
        place = index if isinstance(index, int) else position
        known = self._calls.get(place, {}).get("id")
        if not (known and call_id and known != call_id):
            return place
        return next((at for at, call in self._calls.items() if call["id"] == call_id), max(self._calls) + 1)


class _Text(list[str]):
    """A text that comes in pieces, of which there may be a hundred thousand."""


def _accumulate(known: dict[str, Any], piece: dict[str, Any]) -> None:
    """Text comes in pieces: the arguments of a function, the input of a custom tool."""
    for field, value in piece.items():
        before = known.get(field)
        if isinstance(value, dict):
            if not isinstance(before, dict):
                before = known[field] = {}
            _accumulate(before, value)
        elif isinstance(value, str) and field not in _WHOLE:
            if not isinstance(before, _Text):
                before = known[field] = _Text()
            before.append(value)
        elif value or before is None:
            known[field] = value


def _whole(value: Any) -> Any:
    if isinstance(value, _Text):
        return "".join(value)
    return {field: _whole(inner) for field, inner in value.items()} if isinstance(value, dict) else value
