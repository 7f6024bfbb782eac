"""What every script of a client shares: where memproxy is, and how the cells of the matrix are run and reported."""

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
    """Argument: the question, which every cell asks in its own words; prints the answers as JSON."""
    print(json.dumps({name: work(f"{sys.argv[1]} ({name})") for name, work in _CELLS.items()}))
