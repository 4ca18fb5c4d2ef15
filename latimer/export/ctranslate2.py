"""A Transformer for CTranslate2, which runs it without us: model.bin, vocabularies, the subword models.

CTranslate2 knows the layers that ours has: the norm before each (`pre_norm`), halves of queries and keys
turned by position (rotary, not interleaved), gated or plain feed-forward layers, and what stands between the
last norm and the output layer (`project_out`), our readout. What it does not know are recurrent and
convolutional layers, and scores other than the scaled product.
"""

import math
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latimer.errors import Mistake
from latimer.export.place import new_folder
from latimer.folder import ModelFolder, Tokenizers
from latimer.models.base import Seq2Seq
from latimer.models.blocks import BlockDecoder, BlockEncoder
from latimer.nn.attention import MultiHead, ScaledDot
from latimer.nn.blocks import PastAttention, SelfAttention
from latimer.nn.embedding import Embedding

Weights = Literal["float32", "int8"]
EPSILON = 1e-5  # of torch's layer norm


def write(folder: ModelFolder, into: Path, *, weights: Weights = "float32") -> None:
    """Write the folder that `ctranslate2.Translator` loads. Raises Mistake for a model it can't express."""
    model, tokenizers = folder.load_model(), folder.load_tokenizers()
    must_fit(model, folder, "CTranslate2")
    with new_folder(into) as place:
        save(model, tokenizers, place, weights=weights)
        folder.copy_tokenizers(place)


def must_fit(model: Seq2Seq, folder: ModelFolder, consumer: str) -> None:
    """Raise Mistake where the model, that of the folder, is no Transformer of scaled products."""
    encoder: Any = model.encoder
    decoder: Any = model.decoder
    names = folder.config.model
    reads = type(encoder) is BlockEncoder and isinstance(encoder.blocks[0].reader, SelfAttention)
    writes = type(decoder) is BlockDecoder and isinstance(next(iter(decoder.blocks)).past, PastAttention)
    if not (reads and writes):
        raise Mistake(
            f"{consumer} runs Transformers only, and {folder.path} has a {names.encoder} encoder and a "
            f"{names.decoder} decoder; take --to onnx, or train with --model transformer."
        )
    if not isinstance(decoder.blocks[0].attention.score, ScaledDot):
        raise Mistake(
            f"{consumer} knows scaled-dot attention only, and {folder.path} has {names.score}; "
            "take --to onnx."
        )


def save(model: Seq2Seq, tokenizers: Tokenizers, place: Path, *, weights: Weights) -> None:
    """Write model.bin, config.json and the vocabularies into a folder that is there."""
    spec = specify(model, tokenizers)
    spec.validate()
    spec.optimize(quantization=weights)
    spec.save(str(place))


def specify(model: Seq2Seq, tokenizers: Tokenizers) -> Any:
    """The model as CTranslate2 specifies one; holds copies of the parameters."""
    from ctranslate2 import specs

    ours: Any = model
    encoder, decoder = _layers(ours.encoder), _layers(ours.decoder)
    shared: dict[str, Any] = {"pre_norm": True, "rotary_dim": 0, "rotary_interleave": False}
    spec = specs.TransformerSpec(
        specs.TransformerEncoderSpec(
            len(encoder.blocks), encoder.heads, **shared, **_activation(encoder.gated)
        ),
        specs.TransformerDecoderSpec(
            len(decoder.blocks), decoder.heads, **shared, **_activation(decoder.gated), project_in_out=True
        ),
    )
    del spec.encoder.position_encodings  # positions turn, and are not added
    del spec.decoder.project_in
    _embed(spec.encoder, spec.encoder.embeddings[0], ours.encoder)
    _embed(spec.decoder, spec.decoder.embeddings, ours.decoder)
    for given, block in zip(spec.encoder.layer, encoder.blocks, strict=True):
        _attend_to_itself(given.self_attention, block.reader.attention, block.reader_norm)
        _think(given.ffn, block, gated=encoder.gated)
    for given, block in zip(spec.decoder.layer, decoder.blocks, strict=True):
        _attend_to_itself(given.self_attention, block.past.attention, block.past_norm)
        _attend_to_the_source(given.attention, block.attention, block.attention_norm)
        _think(given.ffn, block, gated=decoder.gated)
    _norm(spec.encoder.layer_norm, ours.encoder.norm)
    _norm(spec.decoder.layer_norm, ours.decoder.norm)
    _linear(spec.decoder.project_out, ours.decoder.readout)
    spec.decoder.projection.weight = _array(ours.decoder.output.weight)
    spec.register_source_vocabulary(tokenizers.source.all_pieces())
    spec.register_target_vocabulary(tokenizers.target.all_pieces())
    spec.config.add_source_eos = True
    spec.config.layer_norm_epsilon = EPSILON
    return spec


class _Layers(NamedTuple):
    blocks: list[Any]
    heads: int
    gated: bool


def _layers(part: Any) -> _Layers:
    blocks = list(part.blocks)
    reads: MultiHead = (blocks[0].reader if hasattr(blocks[0], "reader") else blocks[0].past).attention
    return _Layers(blocks, reads.heads, not isinstance(blocks[0].feed_forward[1], nn.ReLU))


def _activation(gated: bool) -> dict[str, Any]:
    from ctranslate2.specs import Activation

    return {"activation": Activation.SWISH if gated else Activation.RELU, "ffn_glu": gated}


def _embed(side: Any, given: Any, part: Any) -> None:
    """The matrix as it is, to be shared with the output layer, or widened once for all tokens."""
    embedding: Embedding = part.embedding
    if isinstance(part.widen, nn.Identity):
        given.weight = _array(embedding.weight)
        assert math.isclose(embedding.scale, math.sqrt(given.weight.shape[1]))  # as scale_embeddings has it
    else:
        with torch.no_grad():
            given.weight = _array(part.widen(embedding.weight * embedding.scale))
        side.scale_embeddings = False


def _attend_to_itself(given: Any, attention: MultiHead, norm: nn.LayerNorm) -> None:
    _norm(given.layer_norm, norm)
    _linear(given.linear[0], attention.query, attention.key, attention.value)
    _linear(given.linear[1], attention.output)


def _attend_to_the_source(given: Any, attention: MultiHead, norm: nn.LayerNorm) -> None:
    _norm(given.layer_norm, norm)
    _linear(given.linear[0], attention.query)
    _linear(given.linear[1], attention.key, attention.value)
    _linear(given.linear[2], attention.output)


def _think(given: Any, block: Any, *, gated: bool) -> None:
    _norm(given.layer_norm, block.feed_forward_norm)
    inward, _, outward = block.feed_forward
    if gated:
        for linear, weight, bias in zip(
            (given.linear_0, given.linear_0_noact), inward.weight.chunk(2), inward.bias.chunk(2), strict=True
        ):
            linear.weight, linear.bias = _array(weight), _array(bias)
    else:
        _linear(given.linear_0, inward)
    _linear(given.linear_1, outward)


def _linear(given: Any, *linears: nn.Linear) -> None:
    """One product in place of several of the same input."""
    given.weight = np.concatenate([_array(linear.weight) for linear in linears])
    given.bias = np.concatenate([_array(linear.bias) for linear in linears])


def _norm(given: Any, norm: nn.LayerNorm) -> None:
    given.gamma, given.beta = _array(norm.weight), _array(norm.bias)


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    """A copy: quantising multiplies in place."""
    return tensor.detach().cpu().float().numpy().copy()
