"""A pull that fails says why and what to do, and leaves nothing half done."""

import zipfile
from pathlib import Path

import pytest

from memproxy.errors import ModelUnavailable
from memproxy_minilm.download import O200K, check, pull

WHEEL = "bpe_openai-0.1.4-cp39-abi3-manylinux2014_x86_64.whl"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip may look at."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(folder: Path, member: str, content: bytes) -> None:
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr(member, content)
        info = "bpe_openai-0.1.4.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: bpe-openai\nVersion: 0.1.4\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp39-abi3-manylinux2014_x86_64\n")
        wheel.writestr(f"{info}/RECORD", "")


def ignore(what: str, done: int, total: int) -> None: ...


def test_a_package_that_cannot_be_fetched_names_itself_and_the_way_out(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"bpe-openai 0\.1\.4 .*PIP_FIND_LINKS") as failure:
        pull(tmp_path / "models", ignore)
    assert "memproxy model pull" in str(failure.value)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_file_that_was_altered_is_refused(tmp_path: Path, wheels: Path) -> None:
    write_wheel(
        wheels, O200K.member, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    )
    with pytest.raises(ModelUnavailable, match="not what was published"):
        pull(tmp_path / "models", ignore)
    assert len(check(tmp_path / "models")) == 2


def test_a_wheel_without_the_file_is_refused(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels, "something/else", b"")
    with pytest.raises(ModelUnavailable, match="not the wheel it should be"):
        pull(tmp_path / "models", ignore)


def test_progress_ends_at_the_whole(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels, "something/else", b"")
    steps: list[tuple[str, int, int]] = []
    with pytest.raises(ModelUnavailable):
        pull(tmp_path / "models", lambda *step: steps.append(step))
    assert steps[-1] == ("download bpe-openai", O200K.wheel_bytes, O200K.wheel_bytes)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, wheels: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelUnavailable, match="cannot write the model to"):
        pull(tmp_path / "file" / "models", ignore)


def test_what_is_missing_is_said_with_the_remedy(tmp_path: Path) -> None:
    assert [("model pull" in problem) for problem in check(tmp_path)] == [True, True]
