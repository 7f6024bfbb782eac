"""What was made of people's words can be let go of from one place, and is kept in no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from memproxy.recall import cached
from memproxy.recall.render import line
from memproxy.recall.words import terms
from memproxy.testing.store_samples import fact

ROOT = Path(__file__).parents[2]
OF_NO_WORDS = {"calendars", "_due", "_long_list"}
"""Functions whose cached arguments nobody said."""


def caching(tree: ast.Module) -> Iterator[str]:
    """Functions with arguments that a cache of functools remembers."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = {ast.unparse(one).partition("(")[0].rpartition(".")[2] for one in node.decorator_list}
        if names & {"cache", "lru_cache"} and (node.args.args or node.args.kwonlyargs or node.args.vararg):
            yield node.name


@pytest.mark.parametrize("folder", ["memproxy", "adapters"])
def test_no_cache_of_words_is_kept_where_it_cannot_be_emptied(folder: str):
    files = [file for file in (ROOT / folder).rglob("*.py") if "testing" not in file.parts and "demo" not in file.parts]
    assert files
    assert {name for file in files for name in caching(ast.parse(file.read_text()))} <= OF_NO_WORDS


def test_all_caches_are_emptied_at_once():
    made = []

    @cached.cached(size=8)
    def shout(word: str) -> str:
        made.append(word)
        return word.upper()

    assert [shout("hush"), shout("hush"), made] == ["HUSH", "HUSH", ["hush"]]
    cached.let_go()
    assert [shout("hush"), made] == ["HUSH", ["hush", "hush"]]


def test_names_and_words_are_gone_once_let_go():
    cached.let_go()
    terms("xylographic")
    line(fact(1, speaker="Xantippe"))
    re.search("(xantippe)", "")
    assert cached.held() == 2
    cached.let_go()
    assert cached.held() == 0
    assert "xantippe" not in repr(vars(re))
