"""Text in, text out, in order, whatever the text."""

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latimer import packing
from latimer import plain as module
from latimer.config import configure
from latimer.data.store import TokenStore
from latimer.data.text import Spacing
from latimer.data.tokenizer import BOS, EOS, PAD
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.plain import Query
from latimer.protection import find, keeps
from latimer.recipe import Trained, train
from latimer.runtime.eager import TorchEngine
from latimer.search.beam import Hypothesis
from latimer.translator import Translator

TEXTS = [
    "she wants my boat.",
    "",
    "I see.",
    "   ",
    "you hear the friend and the friend hears you and this dog.",
    "he",
    "I see.",
]


@pytest.fixture(scope="module")
def translator(
    pairs_file: Path, small_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Translator:
    """One that has learned its little language."""
    longer = {
        "model.width": 32,
        "model.embedding": 32,
        "model.dropout": 0.1,
        "training.steps": 240,
        "training.validations": 1,
    }
    into = tmp_path_factory.mktemp("learned") / "model"
    found = train(configure({**small_settings, **longer}), str(pairs_file), into=into).translator
    found.longest = 160
    return found


def test_the_whole_way_from_pairs_to_translations(translator: Translator) -> None:
    texts = ["she wants my boat.", "I see your dog.", "he hears this friend."]
    assert translator.translate(texts) == [
        "elle veux mon bateau.",
        "je vois ton chien.",
        "il entends ce ami.",
    ]


def test_every_line_gets_its_own_translation_in_order(translator: Translator) -> None:
    together = translator.translate(TEXTS)
    assert together == [translator.translate([text])[0] for text in TEXTS]
    assert together[2] == together[6]
    assert len({together[0], together[2], together[4], together[5]}) == 4
    assert translator.translate(list(reversed(TEXTS))) == list(reversed(together))


def test_an_empty_line_stays_an_empty_line(translator: Translator) -> None:
    found = translator.hypotheses(TEXTS, beam=2)
    assert [len(hypotheses) for hypotheses in found] == [2, 0, 2, 0, 2, 2, 2]
    assert translator.translate(["", " \t", "\u200b\ufeff"]) == ["", "", ""]
    assert translator.translate([]) == []


@pytest.mark.parametrize("positions", [1, 90, 10**6])
@pytest.mark.parametrize("beam", [1, 3])
def test_the_size_of_a_batch_changes_nothing(
    translator: Translator, monkeypatch: pytest.MonkeyPatch, positions: int, beam: int
) -> None:
    expected = translator.hypotheses(TEXTS, beam=beam)
    monkeypatch.setattr(module, "POSITIONS", positions)
    told: list[int] = []
    found = translator.hypotheses(TEXTS, beam=beam, progress=told.append)
    assert sum(told) == 5, "lines with something to translate"
    assert (max(told) == 1) is (positions == 1)
    for one, other in zip(found, expected, strict=True):
        assert [hypothesis.text for hypothesis in one] == [hypothesis.text for hypothesis in other]
        for first, second in zip(one, other, strict=True):
            assert first.score == pytest.approx(second.score, abs=1e-4)


def test_a_batch_is_no_larger_than_asked() -> None:
    lengths = [3, 9, 0, 1, 4, 4, 30, 2, 2, 9]
    rows = [[7] * length for length in lengths]
    batches = list(packing.batches(rows, 20))
    assert sorted(index for batch in batches for index in batch) == [
        index for index, length in enumerate(lengths) if length
    ]
    for batch in batches:
        assert len(batch) == 1 or len(batch) * (max(lengths[index] for index in batch) + 1) <= 20


def test_a_model_in_training_translates_without_dropout(translator: Translator) -> None:
    expected = translator.hypotheses(TEXTS, beam=2)
    translator.model.train()
    assert translator.hypotheses(TEXTS, beam=2) == expected
    translator.model.train()
    look = translator.look("she wants my boat.", target="elle")
    [again] = translator.look("she wants my boat.", target="elle").layers()
    assert np.array_equal(look.layers()[0], again)


def test_hypotheses_are_scored_by_the_model(translator: Translator) -> None:
    for length_penalty in (0.0, 1.0):
        found = translator.hypotheses(["she wants my boat."], beam=4, length_penalty=length_penalty)[0]
        assert len(found) == 4
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            length = 1 if length_penalty == 0 else round(one.log_probability / one.score)
            assert one.log_probability < 0
            assert one.score == pytest.approx(one.log_probability / length, rel=1e-4)
    with pytest.raises(Mistake, match="beam must be at least 1"):
        translator.translate(["a"], beam=0)


@pytest.mark.parametrize("typed", ["<s>", "</s>", "<pad>", "<unk>", "<s> she </s> <pad>"])
def test_special_symbols_can_not_be_typed_in(translator: Translator, typed: str) -> None:
    ids = translator.tokenizers.source.encode(typed)
    assert not {PAD, BOS, EOS} & set(ids)
    assert translator.tokenizers.source.decode(ids) == typed
    assert len(translator.translate([typed, "she wants my boat."])) == 2
    assert translator.translate([typed, "she"])[1] == translator.translate(["she"])[0]


def test_spaces_and_forms_of_letters_do_not_count(translator: Translator) -> None:
    plain = translator.translate(["cafe\u0301 she wants"])
    assert translator.translate(["\ufeff  caf\xe9\xa0she \t wants "]) == plain


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_text_is_answered(translator: Translator, texts: Sequence[str]) -> None:
    found = translator.translate(texts, beam=1)
    assert len(found) == len(texts)
    for text, translation in zip(texts, found, strict=True):
        assert text.strip() or not translation
        assert "\n" not in translation
        assert translation == translation.strip()


def test_the_habits_of_spacing_are_put_back(translator: Translator) -> None:
    """With a no-break space wherever a space stands before an e."""
    habit = Translator(translator.engine, translator.tokenizers, Spacing(before={"e": "\xa0"}))
    bare = Translator(translator.engine, translator.tokenizers)
    for one, other in zip(habit.translate(TEXTS), bare.translate(TEXTS), strict=True):
        assert one == other.replace(" e", "\xa0e")
    assert " e" in bare.translate(["you hear the boat."])[0]


def test_a_translation_has_an_end(translator: Translator) -> None:
    """However long the model would go on: twice the source and twenty pieces."""
    texts = ["he", "you hear the friend and the friend hears you."]
    for text, found in zip(texts, translator.translate(texts), strict=True):
        pieces = len(translator.tokenizers.source.encode(text)) + 1
        assert len(translator.tokenizers.target.encode(found)) <= 3 * (2 * pieces + 20)


def test_a_look_has_a_row_a_piece(translator: Translator) -> None:
    look = translator.look("she wants my boat.", target="elle veux")
    source, target = translator.tokenizers.source, translator.tokenizers.target
    assert look.source == [*source.pieces(source.encode("she wants my boat.")), "</s>"]
    assert look.target == [*target.pieces(target.encode("elle veux")), "</s>"]
    assert (look.text, look.sentence) == ("elle veux", "she wants my boat.")
    assert (look.kinds, look.beam, look.forced) == (["cross"], [], [])
    [layer] = look.layers()
    assert layer.shape == (1, len(look.target), len(look.source))
    np.testing.assert_allclose(layer.sum(-1), 1, atol=1e-5)
    assert len(look.candidates[0].steps) == len(look.target)
    with pytest.raises(Mistake, match="nothing to look at"):
        translator.look("  ")
    with pytest.raises(Mistake, match="at least 1"):
        translator.look("she", n_best=0)


def test_a_look_shows_what_translate_says(translator: Translator) -> None:
    """The same hypotheses with the same scores, each with the maps of the steps that made it."""
    text = "you hear the friend and the friend hears you."
    look = translator.look(text, beam=2, n_best=3)
    [found] = translator.hypotheses([text], beam=3)
    assert [candidate.text for candidate in look.candidates] == [one.text for one in found]
    for candidate, one in zip(look.candidates, found, strict=True):
        assert candidate.score == pytest.approx(one.score, abs=1e-5)
        assert candidate.log_probability == pytest.approx(one.log_probability, abs=1e-5)
    assert [branch.log_probability for branch in look.beam[-1] if branch.kept] == pytest.approx(
        [one.log_probability for one in found], abs=1e-5
    )
    given = translator.look(text, target=look.text)
    np.testing.assert_allclose(given.layers()[0], look.layers()[0], atol=1e-5)


def test_forced_words_lead_elsewhere(translator: Translator) -> None:
    look = translator.look("she wants my boat.", force=4)
    assert 0 < len(look.forced) <= 4
    for forced in look.forced:
        said = forced.candidate.target
        assert said[: forced.step] == look.target[: forced.step]
        assert said[forced.step] != look.target[forced.step]
        assert said[forced.step] in [piece for piece, _ in look.candidates[0].steps[forced.step].others]


def test_looking_at_a_model_without_attention_is_a_mistake(trained: Trained) -> None:
    from latimer.config import ModelConfig
    from latimer.models.build import build

    tokenizers = trained.folder.load_tokenizers()
    size = tokenizers.source.size
    model = build(ModelConfig(score="none"), source_vocabulary=size, target_vocabulary=size, joint=True)
    with pytest.raises(Mistake, match="no attention to look at"):
        Translator(TorchEngine(model), tokenizers).look("she", target="elle")


def test_a_line_is_cut_by_what_training_has_seen(trained: Trained, tmp_path: Path) -> None:
    store = TokenStore.open(trained.folder.training / "tokens")
    assert trained.translator.longest == trained.folder.record["seen"] == store.seen
    lengths = [*[4] * 985, *range(5, 20)]
    assert TokenStore.of([([7] * length, [7]) for length in lengths]).seen == sorted(lengths)[-10]
    assert TokenStore.of([([7] * (1 + (n == 0)), [7]) for n in range(500_000)]).seen == 1
    older = ModelFolder(tmp_path / "older")
    shutil.copytree(trained.folder.path, older.path)
    record = {name: told for name, told in trained.folder.record.items() if name != "seen"}
    older.write_record(record)
    assert Translator.load(older.path).longest == record["config"]["data.longest"]


def test_loading_gives_what_training_kept(trained: Trained, tmp_path: Path) -> None:
    one, other = trained.translator, Translator.load(trained.folder.path)
    assert one.translate(TEXTS) == other.translate(TEXTS)
    assert str(Translator.load(trained.folder.path, "cpu").device) == "cpu"
    with pytest.raises(Mistake, match="holds no model"):
        Translator.load(tmp_path)


def test_one_text_in_the_place_of_a_list_is_a_mistake(trained: "Trained") -> None:
    with pytest.raises(Mistake, match="Give a list of texts"):
        trained.translator.translate("I see a dog.")


def test_whatever_comes_in_something_harmless_comes_out(translator: Translator) -> None:
    kept = ["7", "1234 5678", "?!", "😀😀😀", "{name}", "me@x.example.org"]
    assert translator.translate(kept) == kept
    odd = ["see see see see", "x", "Der Hund läuft.", "這是什麼", "he " * 2000, "a" * 5000, "\ud800 \u200b"]
    for text, found in zip(odd, translator.hypotheses(odd, beam=2), strict=True):
        assert found, text
        assert all(len(one.text) <= 8 * len(text) + 200 for one in found)
    [[unknown]] = translator.hypotheses(["這是什麼"])
    assert (unknown.text, unknown.flags) == ("這是什麼", ("unknown",))


def test_a_runaway_is_searched_again_and_flagged(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = translator.hypotheses(["I see.", "she wants my boat."], beam=2)
    assert not any(one.flags for found in expected for one in found)
    see = translator.tokenizers.target.encode("vois")
    search = translator._search

    def runs_away(*args: Any, safely: bool) -> list[list[Hypothesis]]:
        if safely:
            return search(*args, safely=True)
        return [[Hypothesis(see * 9, -1.0, -0.1)] for _ in args[0]]

    monkeypatch.setattr(translator, "_search", runs_away)
    found = translator.hypotheses(["I see.", "she wants my boat."], beam=2)
    for one, other in zip(found, expected, strict=True):
        assert one[0].text == other[0].text
        assert {translation.flags for translation in one} == {("repetition",)}


def test_a_line_longer_than_training_has_seen_is_cut(translator: Translator) -> None:
    sentences = ["I see your dog.", "she wants my boat.", "he hears this friend."]
    expected = translator.translate(sentences)
    whole = translator.longest
    translator.longest = max(map(translator.count, sentences))
    try:
        [found] = translator.hypotheses(["  ".join(sentences)])
    finally:
        translator.longest = whole
    assert found[0].text == " ".join(expected)
    alone = [one[0] for one in translator.hypotheses(sentences)]
    assert found[0].log_probability == pytest.approx(sum(one.log_probability for one in alone), abs=1e-4)


@pytest.fixture(scope="module")
def untrained(translator: Translator) -> Translator:
    """One that says anything."""
    model = copy.deepcopy(translator.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return Translator(TorchEngine(model), translator.tokenizers)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.sampled_from(["I", "see", "{name}", "%(x)d", "me@x.example.org", "<b>", "</b>", "2048,", "boat."]),
        max_size=8,
    )
)
def test_protected_spans_come_through_an_untrained_model(untrained: Translator, words: list[str]) -> None:
    text = " ".join(words)
    for one in untrained.hypotheses([text], beam=2)[0]:
        assert keeps(find(text), one.text)


def test_digits_are_translated_by_who_has_learned_digits_only(
    small_settings: dict[str, Any], tmp_path: Path, translator: Translator
) -> None:
    lines = [f"{a} {b} {c}\t{c} {b} {a}" for a in range(1, 6) for b in range(1, 6) for c in range(1, 6)]
    (tmp_path / "digits.tsv").write_text("\n".join(lines), encoding="utf-8")
    settings = {**small_settings, "training.steps": 2, "training.validations": 1}
    digits = train(configure(settings), str(tmp_path / "digits.tsv"), into=tmp_path / "m").translator
    asked: list[list[int]] = []
    search = digits._search

    def seen(queries: Sequence[Query], *rest: Any, **more: Any) -> list[list[Hypothesis]]:
        asked.extend(query.row for query in queries)
        return search(queries, *rest, **more)

    digits._search = seen  # type: ignore[method-assign]
    digits.translate(["1 2 3"])
    assert digits.tokenizers.source.encode("1 2 3") in asked
    assert translator.translate(["1 2 3"]) == ["1 2 3"]
