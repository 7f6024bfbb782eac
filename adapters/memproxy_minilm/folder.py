"""A compiled model on disk: a folder with `model.onnx`, `tokenizer.json` and a `config.json` that vouches for both."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from memproxy.errors import ConfigError, ModelUnavailable

DEFAULT = "minilm-int8"
FORMAT = 1
REMEDY = "run `memproxy model pull`"


@dataclass(frozen=True, slots=True)
class Config:
    """What must be known to run the model, and the hashes of the files it was written for."""

    name: str
    dimensions: int
    max_tokens: int
    pooling: str
    """`mean` over the tokens, or `cls`: the first token alone."""
    model_sha256: str
    tokenizer_sha256: str
    source_sha256: str = ""
    """Of the weights it was compiled from."""
    query_prefix: str = ""
    passage_prefix: str = ""
    format: int = FORMAT


def folder_of(model_dir: Path, name: str | None) -> Path:
    """Where the model of that name lives; None is the default model. Slashes of model names become `--`."""
    folder = DEFAULT if name is None else name.replace("/", "--") + "-int8"
    if folder.startswith(".") or "\\" in folder or "\x00" in folder:
        raise ConfigError(f"{name!r} is not the name of a model", param="EMBEDDER")
    return model_dir / folder


def read_config(folder: Path) -> Config:
    """The folder's config; `ModelUnavailable` where there is none that this version understands."""
    try:
        raw: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
        config = Config(**{field.name: raw[field.name] for field in fields(Config)})
    except FileNotFoundError as error:
        raise ModelUnavailable(f"no model in {folder}: {REMEDY}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"the model in {folder} cannot be read: {REMEDY}") from error
    if config.format != FORMAT:
        raise ModelUnavailable(f"the model in {folder} was made for another version of memproxy: {REMEDY}")
    return config


def verify(folder: Path, config: Config) -> None:
    """Both files are those the config was written for; else `ModelUnavailable`."""
    for name, expected in (("model.onnx", config.model_sha256), ("tokenizer.json", config.tokenizer_sha256)):
        if sha256(folder / name) != expected:
            raise ModelUnavailable(f"{folder / name} is missing or damaged: {REMEDY}")


def write_config(folder: Path, config: Config) -> None:
    write_file(folder / "config.json", json.dumps(asdict(config), indent=1).encode())


def sha256(path: Path) -> str | None:
    """Hex digest of the file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def write_file(path: Path, data: bytes) -> None:
    """Whole or not at all: readers see the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
