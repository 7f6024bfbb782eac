"""The documentation says what is there: each setting, metric, command and endpoint, and nothing that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from memproxy.api.memory.table import CALLS as CALLS_OF_THE_API
from memproxy.cli import main
from memproxy.config import Settings
from memproxy.metrics import Metrics

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
SETTINGS = (DOCS / "reference/settings.md").read_text()


def paragraph(name: str) -> str:
    found = re.search(rf"^### `{name}`\n(.+?)(?=^#|\Z)", SETTINGS, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_has_its_paragraph(name: str):
    assert len(paragraph(name)) > 60


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_paragraph_names_the_default(name: str):
    default = Settings.model_fields[name].default
    said = paragraph(name)
    if default is None or name in ("data_dir", "model_dir"):
        assert said.startswith("Default: ")
    else:
        assert said.startswith(f"Default `{default:g}`" if isinstance(default, float) else f"Default `{default}`")


def test_no_paragraph_is_about_a_setting_that_does_not_exist():
    assert set(re.findall(r"^### `(\w+)`", SETTINGS, re.MULTILINE)) == set(Settings.model_fields)


def test_every_metric_is_documented_and_no_other():
    metrics = Metrics()
    families = [*metrics.registry.collect(), *metrics.whole.collect()]
    counted = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    page = (DOCS / "reference/metrics.md").read_text()
    assert set(re.findall(r"^\| `(memproxy_\w+)`", page, re.MULTILINE)) == counted


CALLS = {f"{call.method} {call.path}": call for call in CALLS_OF_THE_API}
API_PAGE = (DOCS / "reference/memory-api.md").read_text()


def section(name: str) -> str:
    found = re.search(rf"^### `{re.escape(name)}`\n(.+?)(?=^##|\Z)", API_PAGE, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_no_section_is_about_a_call_that_does_not_exist():
    assert set(re.findall(r"^### `([A-Z]+ [^`]+)`", API_PAGE, re.MULTILINE)) == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_each_call_of_the_memory_api_has_its_paragraph_and_a_curl(name: str):
    told, _, shown = section(name).partition("\n    curl")
    assert len(told) > 40
    path = re.sub(r"{\w+}", r"[\\w$]+", name.partition(" ")[2])
    assert re.search(rf"/memory/v1{path}(?=['?\s]|\Z)", shown)


@pytest.mark.parametrize("name", CALLS)
def test_each_error_of_the_memory_api_is_explained(name: str):
    page = (DOCS / "reference/http.md").read_text()
    for error in CALLS[name].errors:
        assert f"| {error.status} | `{error.code}` |" in page


def test_the_command_line_page_lists_every_command():
    page = (DOCS / "reference/cli.md").read_text()
    listed = set(re.findall(r"^\| `memproxy (\w+(?: [a-z]+)?)", page, re.MULTILINE))
    groups = {name: command for name, command in main.commands.items() if hasattr(command, "commands")}
    leaves = {name for name in main.commands if name not in groups}
    assert listed == leaves | {f"{group} {name}" for group, made in groups.items() for name in made.commands}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_flags_that_a_page_shows_exist(page: Path):
    flags = {option for command in _commands() for parameter in command.params for option in parameter.opts}
    for line in re.findall(rf"^.*\bmemproxy (?:{'|'.join(main.commands)})\b.*$", page.read_text(), re.MULTILINE):
        shown = line[line.index("memproxy ") :].partition("#")[0]
        assert set(re.findall(r"(?<!\S)`?(--[a-z][a-z-]+)", shown)) <= flags | {"--help"}, line


def _commands():
    for command in main.commands.values():
        yield from getattr(command, "commands", {"": command}).values()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_make_targets_that_the_readme_names_exist():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:^    |`)make (\w+)", page.read_text(), re.MULTILINE)}
    assert {"demo", "test"} <= named <= targets
