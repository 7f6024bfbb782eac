"""What every script of a client shares: where memproxy is, and how a cell of the matrix is told apart and reported."""

import json
import os
import sys
from collections.abc import Callable

BASE = os.environ["CLIENT_BASE"]
"""memproxy's address, with the path prefix that names the person where the client cannot send headers."""
HEADERS = json.loads(os.environ["CLIENT_HEADERS"])
KEY = "sk-client"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL_CHAT = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather of a city", "parameters": SCHEMA},
}
_CELLS: dict[str, Callable[[str], str]] = {}


def cell(name: str) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
    def known(work: Callable[[str], str]) -> Callable[[str], str]:
        _CELLS[name] = work
        return work

    return known


def run() -> None:
    """Arguments: the cell and the question; prints the answer as JSON."""
    name, question = sys.argv[1:]
    if name == "cells":
        print(json.dumps(list(_CELLS)))
    else:
        print(json.dumps({"answer": _CELLS[name](question)}))
