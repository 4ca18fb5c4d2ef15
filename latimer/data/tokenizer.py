"""Subwords: sentencepiece BPE with byte fallback, so that every text can be written and read back.

The law: `decode(encode(text)) == text` for every normalised text. No text can type a special symbol.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from io import BytesIO
from itertools import chain, pairwise, takewhile
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latimer.errors import Mistake

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIALS = 4

SAMPLE = 200_000
"""Lines from which pieces are learned; of a larger corpus, a fair sample."""

SMALLEST = SPECIALS + 256 + 40
"""The fewest pieces that can be asked for: the specials, the bytes, and a little room for characters."""

_MOST_KNOWN, _LONGEST_KNOWN = 1 << 16, 40  # words whose ids are remembered, and their characters

# sentencepiece writes a space as U+2581, and could not tell a real one from it. In a text it is therefore
# spelled with an escape from the private use area, and so is the escape itself.
_BAR, _ESCAPE = "\u2581", "\uf8fe"
_SPELLING = {_BAR: _ESCAPE + "b", _ESCAPE: _ESCAPE + "e"}
_UNSPELLING = {spelled: character for character, spelled in _SPELLING.items()}
_TO_SPELL = re.compile(f"[{_BAR}{_ESCAPE}]")
_SPELLED = re.compile(f"{_ESCAPE}[be]")


class Tokenizer:
    """Text to ids and back. Made by `learn`, `load` or `from_bytes`."""

    def __init__(self, processor: "SentencePieceProcessor") -> None:
        self._processor = processor
        self._size = int(processor.get_piece_size())
        self._words = _Words(processor)
        self._before: list[int] = []  # ids that stand before those of every text

    @classmethod
    def learn(
        cls, lines: Iterable[str], vocabulary: int, *, seed: int = 0, tags: Sequence[str] = ()
    ) -> "Tokenizer":
        """Learn `vocabulary` pieces from normalised lines; fewer where the lines do not hold so many.

        The `tags` are pieces beside them, such as "<to:fr>", that no text holds. The same lines and seed give
        the same bytes. Raises Mistake for no text, and under SMALLEST.
        """
        if vocabulary < SMALLEST:
            raise Mistake(f"a vocabulary of {vocabulary} is too small; take {SMALLEST} or more.")
        sample = [_spell(line) for line in _sample(lines, SAMPLE, seed) if line]
        if not sample:
            raise Mistake("there is no text to learn subwords from; the corpus is empty.")
        return cls.from_bytes(_train(_without_rare(sample, vocabulary), vocabulary, tags))

    @property
    def size(self) -> int:
        """The number of ids, specials included."""
        return self._size

    def encode(self, text: str) -> list[int]:
        """The ids of a normalised text, without BOS and EOS, and never a special one."""
        # No piece reaches over a space, so that words are encoded one by one.
        ids = list(chain.from_iterable(map(self._words.__getitem__, text.split())))
        return [*self._before, *ids] if ids and self._before else ids

    @cached_property
    def tags(self) -> list[str]:
        """The pieces that it was taught beside those of texts."""
        numbers = takewhile(self._processor.is_control, range(SPECIALS, self._size))
        return [self._processor.id_to_piece(number) for number in numbers]

    def tagged(self, tags: Sequence[str]) -> "Tokenizer":
        """The same tokenizer, but every text that it encodes has these tags before it.

        Raises Mistake for a tag that it was not taught.
        """
        if unknown := next((tag for tag in tags if tag not in self.tags), None):
            known = ", ".join(self.tags) or "none"
            raise Mistake(f"the subwords of this model know no {unknown}; the tags that they know: {known}.")
        marked = Tokenizer(self._processor)
        marked._words = self._words
        marked._before = [self._processor.piece_to_id(tag) for tag in tags]
        return marked

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of any ids: specials and unknown ids are dropped, broken byte sequences become U+FFFD."""
        known = [number for number in map(int, ids) if SPECIALS <= number < self._size]
        return _unspell(self._processor.decode(known))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """One label an id, for pictures: "▁the", "<0xE2>" for a byte, "</s>" for EOS."""
        return [_unspell(self._processor.id_to_piece(int(number))) for number in ids]

    def all_pieces(self) -> list[str]:
        """Every piece as the subword model itself spells it, by id: what other systems call a vocabulary."""
        return [self._processor.id_to_piece(number) for number in range(self._size)]

    def word_of(self, ids: Iterable[int]) -> NDArray[np.int64]:
        """Which word of a text, counted from 0, each of its ids is a piece of; spaces part words."""
        return np.cumsum(self._starts_word[list(ids)], dtype=np.int64) - 1

    @cached_property
    def _starts_word(self) -> NDArray[np.bool_]:
        return np.array([piece.startswith(_BAR) for piece in self.all_pieces()])

    def to_bytes(self) -> bytes:
        return bytes(self._processor.serialized_model_proto())

    @classmethod
    def from_bytes(cls, model: bytes, *, name: str = "the subword model") -> "Tokenizer":
        """Raises Mistake, naming `name`, when the bytes are no subword model of ours."""
        from sentencepiece import SentencePieceProcessor

        processor = SentencePieceProcessor()
        try:
            processor.load_from_serialized_proto(model)
            specials = processor.pad_id(), processor.bos_id(), processor.eos_id(), processor.unk_id()
        except (RuntimeError, ValueError):
            specials = (-1, -1, -1, -1)
        if specials != (PAD, BOS, EOS, UNK):
            raise Mistake(f"{name} is damaged or is no subword model of Latimer; fetch or train it again.")
        return cls(processor)

    def save(self, path: Path) -> None:
        """Write to a temporary name, flush, rename: a crash leaves the old file or the new one."""
        from latimer.files import write_whole

        write_whole(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        try:
            model = Path(path).read_bytes()
        except OSError as error:
            raise Mistake(f"{path} cannot be read ({error.strerror}).") from None
        return cls.from_bytes(model, name=str(path))


class _Words(dict[str, list[int]]):
    """The ids of words, remembered once they were asked for."""

    def __init__(self, processor: "SentencePieceProcessor") -> None:
        super().__init__()
        self._processor = processor

    def __missing__(self, word: str) -> list[int]:
        ids: list[int] = self._processor.encode(_spell(word))
        if len(word) <= _LONGEST_KNOWN:
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[word] = ids
        return ids


# Pairs, and how many pieces they can teach a model to use; between them, a straight line in logarithms.
_SIZES = ((1_000, 1_000), (30_000, 8_000), (160_000, 10_000), (1_000_000, 16_000), (10_000_000, 32_000))


def vocabulary_size(pairs: int) -> int:
    """A vocabulary for a corpus of so many pairs: a multiple of 8, from 1,000 to 32,000 (10 million)."""
    if pairs <= _SIZES[0][0]:
        return _SIZES[0][1]
    for (fewer, small), (more, large) in pairwise(_SIZES):
        if pairs <= more:
            share = log(pairs / fewer) / log(more / fewer)
            return 8 * round(small * exp(share * log(large / small)) / 8)
    return _SIZES[-1][1]


def _spell(text: str) -> str:
    return _TO_SPELL.sub(lambda match: _SPELLING[match[0]], text) if not text.isascii() else text


def _unspell(text: str) -> str:
    return _SPELLED.sub(lambda match: _UNSPELLING[match[0]], text) if not text.isascii() else text


def _sample(lines: Iterable[str], most: int, seed: int) -> list[str]:
    """All lines, or a fair sample of `most` where there are more (reservoir sampling, one pass)."""
    chance = random.Random(seed)
    kept: list[str] = []
    for number, line in enumerate(lines):
        if number < most:
            kept.append(line)
        elif (place := chance.randrange(number + 1)) < most:
            kept[place] = line
    return kept


def _without_rare(sample: list[str], vocabulary: int) -> list[str]:
    """The sample, in which rare characters are spaces where all of them would fill the vocabulary.

    A small Chinese corpus has so many: the commonest get a piece, the others are written in bytes, and half
    of the room stays for longer pieces.
    """
    room = vocabulary - SPECIALS - 256
    characters = Counter[str]()
    for line in sample:
        characters.update(line)
    if len(characters) <= room * 3 // 4:
        return sample
    kept = {character for character, _ in characters.most_common(room // 2)}
    rare = {ord(character): " " for character in characters if character not in kept}
    return [line.translate(rare) for line in sample]


def _train(sample: list[str], vocabulary: int, tags: Sequence[str]) -> bytes:
    from sentencepiece import SentencePieceTrainer

    written = BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(sample),
        model_writer=written,
        model_type="bpe",
        vocab_size=vocabulary + len(tags),
        control_symbols=list(tags),
        hard_vocab_limit=False,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        max_sentence_length=1 << 16,
        num_threads=1,
        pad_id=PAD,
        bos_id=BOS,
        eos_id=EOS,
        unk_id=UNK,
        minloglevel=2,
    )
    return written.getvalue()
