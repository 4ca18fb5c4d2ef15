"""Our Transformer's weights in CTranslate2's own format, for a comparison by equal means.

What the two do alike is told to it: norms before the layers and at the end, a gated product in the middle,
queries and keys turned in halves. Our last two products, readout and output, follow each other without a bend
between them, so it is given their product.
"""

from pathlib import Path
from typing import Any

from torch import nn

from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.folder import ModelFolder


def words(size: int) -> list[str]:
    """What stands for the pieces: their numbers, but for the names that the format wants of three."""
    named = {PAD: "<unk>", BOS: "<s>", EOS: "</s>"}
    return [named.get(number, str(number)) for number in range(size)]


def hand_over(folder: ModelFolder, into: Path, *, quantization: str | None = None) -> None:
    """Write a folder that ctranslate2.Translator loads; `quantization` is None or "int8".

    Raises AttributeError at a model that is not made of self-attention alone.
    """
    from ctranslate2.specs import TransformerDecoderSpec, TransformerEncoderSpec, TransformerSpec
    from ctranslate2.specs.common_spec import Activation

    model: Any = folder.load_model().eval()
    encoder, decoder = model.encoder, model.decoder
    first = encoder.blocks[0].reader.attention
    alike = {
        "pre_norm": True,
        "activation": Activation.SWISH,
        "ffn_glu": True,
        "rotary_dim": first.query.out_features // first.heads,
        "rotary_interleave": False,
        "num_heads_kv": first.heads,
    }
    spec = TransformerSpec(
        TransformerEncoderSpec(len(encoder.blocks), first.heads, **alike),
        TransformerDecoderSpec(len(decoder.blocks), first.heads, **alike),
    )
    spec.encoder.embeddings[0].weight = encoder.embedding.weight.detach().numpy()
    spec.decoder.embeddings.weight = decoder.embedding.weight.detach().numpy()
    for block, found in zip(encoder.blocks, spec.encoder.layer, strict=True):
        _self_attention(found.self_attention, block.reader_norm, block.reader.attention)
        _feed_forward(found.ffn, block)
    for block, found in zip(decoder.blocks, spec.decoder.layer, strict=True):
        _self_attention(found.self_attention, block.past_norm, block.past.attention)
        _norm(found.attention.layer_norm, block.attention_norm)
        query, both, output = found.attention.linear
        _linear(query, block.attention.query)
        _joined(both, [block.attention.key, block.attention.value])
        _linear(output, block.attention.output)
        _feed_forward(found.ffn, block)
    _norm(spec.encoder.layer_norm, encoder.norm)
    _norm(spec.decoder.layer_norm, decoder.norm)
    output = decoder.output.weight.detach()
    spec.decoder.projection.weight = (output @ decoder.readout.weight.detach()).numpy()
    spec.decoder.projection.bias = (output @ decoder.readout.bias.detach()).numpy()
    spec.register_source_vocabulary(words(encoder.embedding.num_embeddings))
    spec.register_target_vocabulary(words(decoder.embedding.num_embeddings))
    spec.config.add_source_eos = True
    spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = "<unk>", "<s>", "</s>"
    spec.config.decoder_start_token = "<s>"
    spec.validate()
    spec.optimize(quantization=quantization)
    into.mkdir(parents=True, exist_ok=True)
    spec.save(str(into))


def _self_attention(found: Any, norm: nn.Module, attention: Any) -> None:
    _norm(found.layer_norm, norm)
    _joined(found.linear[0], [attention.query, attention.key, attention.value])
    _linear(found.linear[1], attention.output)


def _feed_forward(found: Any, block: Any) -> None:
    inward, _, outward = block.feed_forward
    _norm(found.layer_norm, block.feed_forward_norm)
    gate, values = (part.numpy() for part in inward.weight.detach().chunk(2))
    gate_bias, values_bias = (part.numpy() for part in inward.bias.detach().chunk(2))
    found.linear_0.weight, found.linear_0.bias = gate, gate_bias
    found.linear_0_noact.weight, found.linear_0_noact.bias = values, values_bias
    _linear(found.linear_1, outward)


def _norm(found: Any, norm: Any) -> None:
    found.gamma, found.beta = norm.weight.detach().numpy(), norm.bias.detach().numpy()


def _linear(found: Any, linear: Any) -> None:
    found.weight, found.bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()


def _joined(found: Any, linears: list[Any]) -> None:
    import torch

    found.weight = torch.cat([linear.weight.detach() for linear in linears]).numpy()
    found.bias = torch.cat([linear.bias.detach() for linear in linears]).numpy()
