"""What importing memproxy costs: nothing but itself. Models, drivers and clients load where they are used."""

import subprocess
import sys

import pytest

HEAVY = {
    "torch", "sentence_transformers", "onnxruntime", "onnx", "tokenizers", "hnswlib", "sqlalchemy", "sqlmodel",
    "aiosqlite", "alembic", "openai", "tiktoken",
}  # fmt: skip


def loaded_after(module: str) -> set[str]:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["memproxy", "memproxy.domain", "memproxy.ports", "memproxy.cli"])
def test_importing_the_core_loads_no_model_and_no_driver(module: str):
    assert loaded_after(module) & HEAVY == set()


def test_the_composition_root_names_no_adapter():
    adapters = {"memproxy_sql", "memproxy_hnsw", "memproxy_minilm", "memproxy_sentence_transformers"}
    assert loaded_after("memproxy.app") & (adapters | HEAVY - {"tiktoken"}) == set()
