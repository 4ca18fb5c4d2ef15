"""From a configuration to a model: the one place that knows every family by name."""

from typing import Any

from torch import nn

from latimer.config import ModelConfig
from latimer.models.base import Decoder, Encoder, Seq2Seq
from latimer.models.blocks import BlockDecoder, BlockEncoder
from latimer.models.conv import ConvDecoder, ConvEncoder
from latimer.models.lstm import LSTMDecoder, LSTMEncoder
from latimer.models.luong import InputFeedingDecoder, LuongDecoder
from latimer.nn.attention import Additive, Attention, Dot, General, MultiHead, ScaledDot, Score
from latimer.nn.blocks import PastAttention, PastLSTM, ReadingLSTM, SelfAttention
from latimer.nn.embedding import Embedding
from latimer.presets import BLOCKS, ONE_ATTENTION, complete, unknown


def build(config: ModelConfig, *, source_vocabulary: int, target_vocabulary: int, joint: bool) -> Seq2Seq:
    """A model with fresh parameters; `joint` shares one embedding between the languages.

    Raises Mistake for an encoder or a decoder that does not exist.
    """
    config = complete(config)
    target = Embedding(target_vocabulary, config.embedding)
    source = target if joint else Embedding(source_vocabulary, config.embedding)
    return Seq2Seq(_encoder(config, source), _decoder(config, target))


def _encoder(config: ModelConfig, embedding: nn.Embedding) -> Encoder:
    width, layers, dropout = config.width, config.encoder_layers, config.dropout
    blocks: dict[str, Any] = {"inner": config.feed_forward, "gated": config.activation == "swiglu"}
    match config.encoder:
        case "lstm":
            return LSTMEncoder(embedding, width, layers=layers, dropout=dropout)
        case "lstm-residual":
            lstms = [ReadingLSTM(width) for _ in range(layers)]
            return BlockEncoder(embedding, width, lstms, **blocks, dropout=dropout)
        case "conv":
            return ConvEncoder(
                embedding,
                width,
                kernel=config.kernel,
                layers=layers,
                attentions=_attentions(config),
                dropout=dropout,
            )
        case "transformer":
            readers = [SelfAttention(width, config.encoder_heads) for _ in range(layers)]
            return BlockEncoder(embedding, width, readers, **blocks, dropout=dropout)
    raise unknown("encoder", config.encoder)


def _decoder(config: ModelConfig, embedding: nn.Embedding) -> Decoder:
    width, layers, dropout, tied = config.width, config.decoder_layers, config.dropout, config.tied
    attentions: Any = [_attention(config) for _ in range(_attentions(config))]
    one: dict[str, Any] = {"source_width": width, "attention": attentions[0], "layers": layers}
    blocks: dict[str, Any] = {
        "attentions": attentions,
        "inner": config.feed_forward,
        "gated": config.activation == "swiglu",
    }
    match config.decoder:
        case "lstm":
            return LSTMDecoder(embedding, width, **one, dropout=dropout, tied=tied)
        case "luong":
            return LuongDecoder(embedding, width, **one, dropout=dropout, tied=tied)
        case "luong-feeding":
            return InputFeedingDecoder(embedding, width, **one, dropout=dropout, tied=tied)
        case "conv":
            kernel = config.kernel
            return ConvDecoder(embedding, width, attentions, kernel=kernel, dropout=dropout, tied=tied)
        case "lstm-parallel":
            lstms = [PastLSTM(width, width) for _ in range(layers)]
            return BlockDecoder(embedding, width, lstms, **blocks, dropout=dropout, tied=tied)
        case "transformer":
            pasts = [PastAttention(width, config.decoder_heads) for _ in range(layers)]
            return BlockDecoder(embedding, width, pasts, **blocks, dropout=dropout, tied=tied)
    raise unknown("decoder", config.decoder)


def _attentions(config: ModelConfig) -> int:
    """How many attentions over the source the decoder has."""
    return 1 if config.decoder in ONE_ATTENTION else config.decoder_layers


def _attention(config: ModelConfig) -> Attention | None:
    """Attention over the source: with one head the papers' plain one, but in blocks always projected."""
    width, heads = config.width, config.decoder_heads
    if config.score == "none":
        return None
    if heads == 1 and config.decoder not in BLOCKS:
        return Attention(_score(config.score, width))
    return MultiHead(_score(config.score, width // heads), width, width, width=width, heads=heads)


def _score(name: str, width: int) -> Score:
    match name:
        case "additive":
            return Additive(width, width, width)
        case "dot":
            return Dot()
        case "scaled-dot":
            return ScaledDot()
        case "general":
            return General(width, width)
    raise ValueError(name)
