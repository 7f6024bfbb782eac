"""Turns a sentence-transformers model into the fast form that `minilm:NAME` serves: int8, without torch.

Works for the BERT family (BERT, RoBERTa, XLM-RoBERTa) with mean or first-token pooling, which is most small models;
others stay with `sentence-transformers:NAME`. The graph is drawn from the weights, not traced.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from memproxy.errors import ConfigError
from memproxy_minilm.compiler import compile_weights
from memproxy_minilm.folder import folder_of
from memproxy_sentence_transformers.embedder import load

Progress = Callable[[str, int, int], None]

_FAMILY = {"bert", "roberta", "xlm-roberta"}
_POOLINGS = {"mean", "cls"}


def compile_model(name: str, model_dir: Path, progress: Progress) -> Path:
    """Fetch the model if need be, write its fast form into `model_dir`, and return the folder.

    `name` is a name on the model hub, or a folder. Raises `ConfigError` for a model of another shape."""
    progress(f"load {name}", 0, 2)
    model = load(name, model_dir, device="cpu", fetching=not Path(name).is_absolute())
    transformer, pooling = _parts(model, name)
    config = transformer.auto_model.config
    _check(config, pooling, name)
    progress(f"compile {name}", 1, 2)
    first_position = 0 if config.model_type == "bert" else config.pad_token_id + 1
    spoken = Path(name).name if Path(name).is_absolute() else name
    folder = folder_of(model_dir, spoken)
    compile_weights(
        {key: tensor.float().numpy() for key, tensor in transformer.auto_model.state_dict().items()},
        heads=config.num_attention_heads,
        folder=folder,
        tokenizer=transformer.tokenizer.backend_tokenizer.to_str().encode(),
        name=folder.name,
        max_tokens=min(model.max_seq_length or 512, config.max_position_embeddings - first_position),
        epsilon=config.layer_norm_eps,
        first_position=first_position,
        pooling=pooling,
        query_prefix=model.prompts.get("query") or "",
        passage_prefix=model.prompts.get("document") or model.prompts.get("passage") or "",
    )
    progress(f"compile {name}", 2, 2)
    return folder


def _parts(model: Any, name: str) -> tuple[Any, str]:
    """The transformer and how its states are pooled; what may follow is normalisation, which is always done."""
    kinds = [type(part).__name__ for part in model]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise ConfigError(f"{name} has parts that the fast form lacks ({', '.join(kinds)}): {_instead(name)}")
    return model[0], model[1].pooling_mode


def _check(config: Any, pooling: object, name: str) -> None:
    odd = [
        what
        for what, known in (
            (f"architecture {config.model_type}", config.model_type in _FAMILY),
            (f"activation {config.hidden_act}", config.hidden_act == "gelu"),
            (f"pooling {pooling}", pooling in _POOLINGS),
        )
        if not known
    ]
    if odd:
        raise ConfigError(f"{name} has no fast form ({', '.join(odd)}): {_instead(name)}")


def _instead(name: str) -> str:
    return f"serve it as sentence-transformers:{name}"
