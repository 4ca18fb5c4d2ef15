"""Any text can be written and read back; no text can type a special symbol; the same text, the same bytes."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from latimer.data import tokenizer as module
from latimer.data.text import normalise
from latimer.data.tokenizer import BOS, EOS, PAD, SMALLEST, UNK, Tokenizer, vocabulary_size
from latimer.errors import Mistake

LINES = [
    "The cat sat on the mat.",
    "Le chat est assis sur le tapis.",
    "Où est la gare ? C’est à côté de l’hôtel.",
    "Type <s> and </s> and <unk> and <pad> and <0x41> here.",
    "قطة على السجادة",
    "猫坐在垫子上。",
] * 20


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.learn(LINES, 600)


def holds_the_law(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(UNK < number < tokenizer.size for number in ids)
    assert tokenizer.encode_many([text, "", text]) == [ids, [], ids]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(text=st.lists(st.sampled_from([*" ".join(LINES).split(), "ca", "t", "▁a", "\uf8fe", "é.", "猫子"])))
def test_words_one_by_one_are_the_whole_text(tokenizer: Tokenizer, text: list[str]) -> None:
    processor = SentencePieceProcessor()
    processor.load_from_serialized_proto(tokenizer.to_bytes())
    line = " ".join(text)
    assert tokenizer.encode(line) == processor.encode(
        line.replace("\uf8fe", "\uf8fee").replace("▁", "\uf8feb")
    )


def test_a_full_memory_of_words_changes_nothing(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_KNOWN", 3)
    monkeypatch.setattr(module, "_LONGEST_KNOWN", 5)
    forgetful = Tokenizer.from_bytes(tokenizer.to_bytes())
    assert [forgetful.encode(line) for line in LINES] == [tokenizer.encode(line) for line in LINES]
    assert len(forgetful._words) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The cat.",
        "<s>",
        "</s> <unk> <pad> <s>",
        "<0x41>A<0xE2>",
        "▁",
        "▁▁the▁cat ▁ sat▁",
        "\uf8fe \uf8feb\uf8fee ▁\uf8fe",
        "👨\u200d👩\u200d👧 🇫🇷 👍🏽",
        "می\u200cخواهم بِسْمِ",
        "ภาษาไทย हिन्दी 日本語、テスト",
        "ẽ̝ z̶a̷l̸g̴o̵",
        "a\0b",
        "⁇ \ufffd",
        "supercalifragilistic " * 500 + "end",
    ],
)
def test_hard_texts_come_back(tokenizer: Tokenizer, text: str) -> None:
    holds_the_law(tokenizer, text)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="▁\uf8febe<s>/unkpad0x41 ")))
def test_every_normalised_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    holds_the_law(tokenizer, normalise(text))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(st.integers(-3, 700)))
def test_any_ids_can_be_read(tokenizer: Tokenizer, ids: list[int]) -> None:
    text = tokenizer.decode(ids)
    text.encode("utf-8")
    assert tokenizer.decode([PAD, BOS, *ids, EOS, UNK, tokenizer.size, -1]) == text


def test_broken_bytes_are_shown_as_such(tokenizer: Tokenizer) -> None:
    euro = tokenizer.encode("€")
    assert tokenizer.decode(euro[:-1]).count("\ufffd") >= 1


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="▁\uf8febe<s>/unkpad0x41 ")))
def test_pieces_know_their_words(tokenizer: Tokenizer, text: str) -> None:
    text = normalise(text)
    ids = tokenizer.encode(text)
    words = tokenizer.word_of(ids).tolist()
    assert words == sorted(words)
    spelled = [
        tokenizer.decode(number for number, at in zip(ids, words, strict=True) if at == word)
        for word in range(max(words, default=-1) + 1)
    ]
    assert spelled == text.split()


def test_pieces_are_one_label_an_id(tokenizer: Tokenizer) -> None:
    ids = [BOS, *tokenizer.encode("The € ▁"), EOS, PAD]
    pieces = tokenizer.pieces(ids)
    assert len(pieces) == len(ids)
    assert pieces[0] == "<s>"
    assert pieces[-2:] == ["</s>", "<pad>"]
    assert "<0xE2>" in pieces
    assert tokenizer.pieces(tokenizer.encode("The cat")) == ["▁The", "▁cat"]


def test_a_bar_of_the_corpus_gets_a_piece_that_shows_it() -> None:
    tokenizer = Tokenizer.learn(["a▁b c▁d"] * 50, 400)
    holds_the_law(tokenizer, "a▁b")
    assert len(tokenizer.encode("a▁b")) < 6


def test_the_same_lines_give_the_same_bytes_in_another_process(tokenizer: Tokenizer, tmp_path: Path) -> None:
    script = (
        "import sys; from latimer.data.tokenizer import Tokenizer\n"
        "assert not {'torch', 'sentencepiece'} & set(sys.modules), 'heavy import'\n"
        "from pathlib import Path\n"
        "lines = Path(sys.argv[1]).read_text(encoding='utf-8').splitlines()\n"
        "Tokenizer.learn(iter(lines), 600).save(Path(sys.argv[2]))"
    )
    (tmp_path / "lines").write_text("\n".join(LINES), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "lines", tmp_path / "model"], check=True, timeout=60
    )
    assert (tmp_path / "model").read_bytes() == tokenizer.to_bytes()


def test_of_a_large_corpus_a_fair_sample_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"line {number}" for number in range(3000)]
    sample = module._sample(iter(lines), 300, 5)
    assert sample == module._sample(iter(lines), 300, 5) != module._sample(iter(lines), 300, 6)
    assert len(set(sample)) == 300
    assert 60 < sum(int(line.split()[1]) < 1000 for line in sample) < 140
    monkeypatch.setattr(module, "SAMPLE", 100)
    assert Tokenizer.learn(lines, 400).size <= 400


def test_a_saved_model_is_the_same(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "source.model")
    loaded = Tokenizer.load(tmp_path / "source.model")
    assert loaded.to_bytes() == tokenizer.to_bytes()
    assert loaded.encode("The cat") == tokenizer.encode("The cat")
    assert [path.name for path in tmp_path.iterdir()] == ["source.model"]


@pytest.mark.parametrize("damage", [b"", b"no model", b"\x00" * 500])
def test_a_damaged_model_is_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "shared.model").write_bytes(damage)
    with pytest.raises(Mistake, match=r"shared\.model is damaged"):
        Tokenizer.load(tmp_path / "shared.model")


def test_a_model_cut_short_and_a_missing_one_are_named(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="the subword model is damaged"):
        Tokenizer.from_bytes(tokenizer.to_bytes()[:-7])
    with pytest.raises(Mistake, match=r"gone\.model cannot be read"):
        Tokenizer.load(tmp_path / "gone.model")


def test_somebody_elses_model_is_refused() -> None:
    from io import BytesIO

    from sentencepiece import SentencePieceTrainer

    other = BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=other,
        vocab_size=100,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    with pytest.raises(Mistake, match="no subword model of Latimer"):
        Tokenizer.from_bytes(other.getvalue())


def test_a_folder_that_cannot_be_written_to(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Mistake, match="can't be written"):
        tokenizer.save(tmp_path / "file" / "shared.model")


def test_a_small_corpus_gives_what_it_has() -> None:
    tokenizer = Tokenizer.learn(["hello world", "the cat"], 8000)
    assert SMALLEST <= tokenizer.size + 40 < 400
    holds_the_law(tokenizer, "hello 猫")


def test_more_characters_than_the_vocabulary_holds() -> None:
    chance = random.Random(0)
    lines = ["".join(chr(0x4E00 + int(3000 * chance.random() ** 3)) for _ in range(12)) for _ in range(400)]
    tokenizer = Tokenizer.learn(lines, 700)
    assert 600 < tokenizer.size <= 700
    for line in lines[:20]:
        holds_the_law(tokenizer, line)


def test_nothing_to_learn_from_is_a_mistake() -> None:
    with pytest.raises(Mistake, match="no text"):
        Tokenizer.learn(["", ""], 1000)
    with pytest.raises(Mistake, match=f"take {SMALLEST} or more"):
        Tokenizer.learn(LINES, 100)


def test_the_smallest_vocabulary_can_be_learned() -> None:
    assert Tokenizer.learn(LINES, SMALLEST).size <= SMALLEST


def test_vocabulary_sizes() -> None:
    sizes = [vocabulary_size(pairs) for pairs in (0, 1000, 30_000, 160_000, 1_000_000, 10_000_000, 10**9)]
    assert sizes == [1000, 1000, 8000, 10_000, 16_000, 32_000, 32_000]
    many = [vocabulary_size(pairs) for pairs in range(1000, 2_000_000, 7919)]
    assert many == sorted(many)
    assert all(size % 8 == 0 for size in many)
