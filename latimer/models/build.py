"""From a configuration to a model: the one place that knows every family by name."""

from torch import nn

from latimer.config import ModelConfig
from latimer.models.base import Decoder, Encoder, Seq2Seq
from latimer.models.lstm import LSTMDecoder, LSTMEncoder
from latimer.nn.attention import Additive, Dot, General, ScaledDot, Score
from latimer.nn.embedding import Embedding


def build(config: ModelConfig, *, source_vocabulary: int, target_vocabulary: int, joint: bool) -> Seq2Seq:
    """A model with fresh parameters; `joint` shares one embedding between the languages."""
    target = Embedding(target_vocabulary, config.embedding)
    source = target if joint else Embedding(source_vocabulary, config.embedding)
    return Seq2Seq(_encoder(config, source), _decoder(config, target))


def _encoder(config: ModelConfig, embedding: nn.Embedding) -> Encoder:
    match config.encoder:
        case "lstm":
            return LSTMEncoder(embedding, config.width, layers=config.encoder_layers, dropout=config.dropout)
    raise ValueError(config.encoder)


def _decoder(config: ModelConfig, embedding: nn.Embedding) -> Decoder:
    match config.decoder:
        case "lstm":
            return LSTMDecoder(
                embedding,
                config.width,
                source_width=config.width,
                score=_score(config.score, config.width),
                layers=config.decoder_layers,
                dropout=config.dropout,
                tied=config.tied,
            )
    raise ValueError(config.decoder)


def _score(name: str, width: int) -> Score | None:
    match name:
        case "additive":
            return Additive(width, width, width)
        case "dot":
            return Dot()
        case "scaled-dot":
            return ScaledDot()
        case "general":
            return General(width, width)
        case "none":
            return None
    raise ValueError(name)
