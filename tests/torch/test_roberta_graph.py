"""The graph that is drawn for RoBERTa's shape computes what transformers computes."""

import importlib.util

import numpy as np
import onnxruntime
import pytest

from memproxy_minilm.graph import draw

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="sentence-transformers is not installed: run .ci/torch"
)


@pytest.mark.filterwarnings("default")
def test_states_are_the_same_to_the_last_float() -> None:
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    config = XLMRobertaConfig(
        vocab_size=500, max_position_embeddings=66, pad_token_id=1, type_vocab_size=1, layer_norm_eps=1e-5, **shape
    )
    torch.manual_seed(1)
    model = XLMRobertaModel(config, add_pooling_layer=False).eval()
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    graph = draw(weights, heads=4, epsilon=1e-5, first_position=2)
    ids = np.random.default_rng(1).integers(5, 500, (3, 20))
    mask = np.ones_like(ids)
    ids[1, 12:], mask[1, 12:] = 1, 0
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    (ours,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask)).last_hidden_state.numpy()
    assert np.abs((ours - theirs) * mask[..., None]).max() < 1e-4
