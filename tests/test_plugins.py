"""An adapter that is named and cannot be had is told with what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from memproxy import plugins
from memproxy.errors import ConfigError


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose adapters need a driver that is not there."""
    about = tmp_path / "strange-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: strange\nVersion: 1\n")
    stores = "[memproxy.stores]\nodd = no_such_driver:open_store\nodder = no_such_driver:open_store [strange]\n"
    (about / "entry_points.txt").write_text(stores)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("name", "extra"), [("odd", "odd"), ("odder", "strange")])
def test_an_adapter_that_lacks_its_driver_names_the_extra_to_install(name: str, extra: str) -> None:
    with pytest.raises(ConfigError, match=rf"'{name}' needs more: pip install 'memproxy-gateway\[{extra}\]'"):
        plugins.find("stores", name)


@pytest.mark.usefixtures("installed")
def test_a_name_that_nothing_has_is_told_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no 'mongo' among the stores: .*mongodb.*odd.*sqlite"):
        plugins.find("stores", "mongo")
