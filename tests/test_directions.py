"""Several directions and domains in one model: it copies for one tag and reverses for another."""

import json
import shutil
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from latimer.config import configure
from latimer.data.corpus import Pair
from latimer.data.directions import PLAIN, open_corpora, tagged
from latimer.data.mixing import weighted
from latimer.data.splitting import Splitter
from latimer.data.store import TokenStore
from latimer.data.tokenizer import SPECIALS, Tokenizer
from latimer.directions import choose, directions, load, target_of, translate_each
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.preparation import held_out, held_tags
from latimer.presets import model_settings
from latimer.recipe import Trained, train
from latimer.serve.models import Manner
from latimer.teaching import lesson
from latimer.training.log import Silent
from latimer.translator import Translator

WORDS = ["sun", "moon", "star", "rain", "wind"]
EVERY = [" ".join(words) for size in (2, 3, 4) for words in product(WORDS, repeat=size)]
Random(1).shuffle(EVERY)
UNSEEN, SEEN = EVERY[:100], EVERY[100:]
SETTINGS: dict[str, Any] = {
    **model_settings("transformer"),
    "model.size": "tiny",
    "model.width": 48,
    "model.embedding": 48,
    "model.dropout": 0.0,
    "data.vocabulary": 310,
    "training.steps": 350,
    "training.rate": 0.005,
    "training.batch": 600,
    "training.validations": 2,
    "training.splitting": 0.0,
    "training.smoothing": 0.0,
    "training.precision": "float32",
}


def turned(text: str) -> str:
    return " ".join(text.split()[::-1])


def corpus(path: Path, way: Callable[[str], str]) -> str:
    path.write_text("".join(f"{text}\t{way(text)}\n" for text in SEEN), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def languages(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One file in three languages, of which French is English and German is English backwards."""
    place = tmp_path_factory.mktemp("languages")
    rows = ({"en": text, "fr": text, "de": turned(text)} for text in SEEN)
    (place / "memory.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given: Any = {"source_language": "en", "target_language": "fr,de", "reporter": Silent()}
    trained = train(configure(SETTINGS), str(place / "memory.jsonl"), into=place / "model", **given)
    again = train(configure(SETTINGS), str(place / "memory.jsonl"), into=place / "model", **given)
    assert again.progress == trained.progress, "the same command is the same run"
    return trained


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two corpora of one direction, in one of which people write backwards."""
    place = tmp_path_factory.mktemp("domains")
    plain, verse = corpus(place / "plain.en-fr.tsv", str), corpus(place / "verse.en-fr.tsv", turned)
    named = [f"plain={plain}", f"verse={verse}:2"]
    few = {**SETTINGS, **model_settings("lstm-parallel"), "training.steps": 300, "training.rate": 0.01}
    return train(configure(few), named, into=place / "model", reporter=Silent())


def right(found: Iterable[str], way: Callable[[str], str]) -> float:
    return sum(one == way(text) for one, text in zip(found, UNSEEN, strict=True)) / len(UNSEEN)


def test_a_model_of_two_languages_copies_for_one_and_reverses_for_the_other(languages: Trained) -> None:
    for to, way in (("fr", str), ("de", turned)):
        assert right(load(languages.folder.path, to=to).translate(UNSEEN, beam=1), way) >= 0.95
    translator = Translator.load(languages.folder.path)
    tags = [("<to:fr>",) if place % 2 else ("<to:de>",) for place in range(len(UNSEEN))]
    each = translate_each(translator, UNSEEN, tags)
    for place, (text, said) in enumerate(zip(UNSEEN, each, strict=True)):
        alone = choose(translator, languages.folder.record, to="fr" if place % 2 else "de")
        assert place > 10 or said == alone.translate([text], beam=1)[0]
    assert right(each, lambda text: text if UNSEEN.index(text) % 2 else turned(text)) >= 0.95


def share_of_markup_turned(translator: Translator) -> float:
    """Of texts whose first word is bold: in how many of them what is said backwards ends with it."""
    bold = [f"<b>{first}</b> {rest}" for first, rest in (text.split(maxsplit=1) for text in UNSEEN)]
    return float(np.mean([one.endswith("</b>") for one in translator.translate(bold)]))


def test_markup_goes_with_its_words_though_a_tag_stands_before_them(languages: Trained) -> None:
    """As the model looks: were that not known, what is first would stay first."""
    assert share_of_markup_turned(load(languages.folder.path, to="de", engine="torch")) > 0.6


def test_a_model_of_two_domains_writes_as_in_each(domains: Trained) -> None:
    for domain, way in (("plain", str), ("verse", turned)):
        assert right(load(domains.folder.path, domain=domain).translate(UNSEEN, beam=1), way) >= 0.95
    either = load(domains.folder.path).translate(UNSEEN, beam=1)  # it need not be known
    assert right(either, str) + right(either, turned) > 0.5
    record = domains.folder.record
    assert (record["source_language"], record["target_language"]) == ("en", "fr")
    assert record["domains"] == ["plain", "verse"]
    assert "directions" not in record


def test_what_is_not_chosen_or_not_there_is_a_mistake(languages: Trained, domains: Trained) -> None:
    for folder, wanted, told in (
        (languages, {}, "into fr, de; say into which with --to"),
        (languages, {"to": "es"}, "not into es"),
        (languages, {"to": "fr", "domain": "law"}, "no domain law; it has none"),
        (domains, {"domain": "law"}, "it has plain, verse"),
        (domains, {"to": "de"}, "translates into fr, not into de"),
    ):
        with pytest.raises(Mistake, match=told):
            load(folder.folder.path, **wanted)
    assert target_of({"source_language": None, "target_language": None}, "de") == "de"


def test_the_folder_says_what_it_can(languages: Trained) -> None:
    folder = languages.folder
    assert directions(folder.record) == [("en", "fr"), ("en", "de")]
    assert (folder.record["source_language"], folder.record["target_language"]) == ("en", None)
    assert folder.load_tokenizers().source.tags == ["<to:fr>", "<to:de>"]
    assert set(held_tags(folder)) == {("<to:fr>",), ("<to:de>",)}
    for (source, target), tags in zip(held_out(folder), held_tags(folder), strict=True):
        assert target == (source if tags == ("<to:fr>",) else turned(source))
    assert "# en to fr, en to de" in (folder.path / "README.md").read_text()
    store, tokenizer = TokenStore.open(folder.training / "tokens"), folder.load_tokenizers().source
    first = {tokenizer.pieces([int(store.source(row)[0])])[0] for row in range(len(store))}
    assert first == {"<to:fr>", "<to:de>"}


def test_a_model_of_one_direction_knows_nothing_of_tags(trained: Trained) -> None:
    folder = trained.folder
    assert not {"directions", "domains", "spacings"} & folder.record.keys()
    assert folder.load_tokenizers().source.tags == []
    assert set(held_tags(folder)) == {()}
    translator = Translator.load(folder.path)
    assert choose(translator, folder.record) is translator


def invoke(*words: object) -> str:
    from latimer.cli.main import main

    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False).output


def test_the_commands_choose(languages: Trained, domains: Trained, tmp_path: Path) -> None:
    model = languages.folder.path
    ours, theirs = (load(model, to=to).translate(UNSEEN) for to in ("fr", "de"))
    text = next(one for one, a, b in zip(UNSEEN, ours, theirs, strict=True) if (a, b) == (one, turned(one)))
    assert invoke("translate", "--model", model, "--to", "fr", text) == text + "\n"
    assert invoke("translate", "--model", model, "--to", "de", text) == turned(text) + "\n"
    of_verse = invoke("translate", "--model", domains.folder.path, "--domain", "verse", text)
    assert len(of_verse.split()) == len(text.split())
    with pytest.raises(Mistake, match="no domain law"):
        invoke("look", "--model", domains.folder.path, "--domain", "law", text)
    page = tmp_path / "page.html"
    page.write_text(f"<p>{text}</p>")
    assert turned(text) in invoke("translate", "--model", model, "--to", "de", "--input", page)
    test = tmp_path / "test.en-de.tsv"
    test.write_text("".join(f"{text}\t{turned(text)}\n" for text in UNSEEN))
    for asked in ((), ("--to", "de")):  # the file's name says the direction
        told = json.loads(
            invoke("evaluate", test, "--model", model, "--quiet", "--json", "--beam", 1, *asked)
        )
        assert told["scores"][0]["value"] > 95
    with pytest.raises(Mistake, match="en and de by its name"):
        invoke("evaluate", test, "--model", model, "--to", "fr")
    pairs = tmp_path / "taught.tsv"
    invoke("distil", test, "--model", model, "--into", pairs, "--quiet", "--beam", 1)
    lines = [line.split("\t") for line in pairs.read_text().splitlines()]
    assert sum(target == turned(source) for source, target in lines) >= 95
    held = [line.split("\t") for line in (tmp_path / "taught.validation.tsv").read_text().splitlines()]
    sealed = zip(held_out(languages.folder), held_tags(languages.folder), strict=True)
    assert held == [list(pair) for pair, tags in sealed if tags == ("<to:de>",)]
    with pytest.raises(Mistake, match="align with one that has not"):
        invoke("align", test, "--model", model)
    assert "en to fr, en to de" in invoke("info", model)
    lines_file, out = tmp_path / "lines.txt", tmp_path / "out.txt"
    lines_file.write_text(text + "\n")
    asked = ("--to", "de", "--input", lines_file, "--output", out, "--shards", tmp_path / "s", "--quiet")
    invoke("translate", "--model", model, *asked)
    assert out.read_text() == turned(text) + "\n"


def test_a_model_of_several_languages_translates_back_into_that_of_the_corpus(
    languages: Trained, tmp_path: Path
) -> None:
    turned_round = corpus(tmp_path / "back.de-en.tsv", turned)
    few = configure({**SETTINGS, "training.steps": 1, "training.validations": 1})
    teacher = str(train(few, turned_round, into=tmp_path / "teacher", reporter=Silent()).folder.path)
    *_, returning = lesson([turned_round], (teacher,), (str(languages.folder.path),)).parts(beam=1)
    assert right([source for source, _ in returning.make(UNSEEN)], turned) >= 0.95


def test_going_on_keeps_the_tags(languages: Trained, tmp_path: Path) -> None:
    base = str(languages.folder.path)
    more = corpus(tmp_path / "more.en-de.tsv", turned)
    few = configure({**SETTINGS, "training.steps": 2, "training.rate": 1e-6, "training.validations": 1})
    tuned = train(few, more, into=tmp_path / "tuned", from_model=base, reporter=Silent())
    assert directions(tuned.folder.record) == [("en", "fr"), ("en", "de")]
    assert set(held_tags(tuned.folder)) == {("<to:de>",)}
    for to, way in (("fr", str), ("de", turned)):
        assert right(load(tuned.folder.path, to=to).translate(UNSEEN, beam=1), way) >= 0.9
    for name, told in (
        ("more.en-es.tsv", "no tag <to:es>: it knows <to:fr>"),
        ("more.tsv", "tell its lang"),
    ):
        with pytest.raises(Mistake, match=told):
            train(
                few,
                corpus(tmp_path / name, str),
                into=tmp_path / name[:-4],
                from_model=base,
                reporter=Silent(),
            )


def test_served_it_is_a_model_a_direction(languages: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    from latimer.serve import running

    loaded = Translator.load
    with monkeypatch.context() as patched:
        patched.setattr(running.Translator, "load", lambda folder, engine: loaded(folder, engine="torch"))
        models = running.load([languages.folder.path])
    assert models.keys() == {("en", "fr"), ("en", "de")}
    for to, way in (("fr", str), ("de", turned)):
        found = models["en", to](UNSEEN, Manner(1, explain=True))
        assert right([one[0].text for one in found], way) >= 0.95
        assert [one[0].explained.source for one in found] == [text.split() for text in UNSEEN]


@pytest.mark.full
def test_shipped_it_is_served_without_torch(languages: Trained, tmp_path: Path) -> None:
    from latimer.serve import running
    from latimer.shipping import ship

    shutil.copytree(languages.folder.path, tmp_path / "model")
    shipped = ship(ModelFolder(tmp_path / "model"))
    assert shipped is not None
    assert shipped.bleu > 95
    models = running.load([tmp_path / "model"])
    assert right([one[0].text for one in models["en", "de"](UNSEEN, Manner(1))], turned) >= 0.95
    assert share_of_markup_turned(load(tmp_path / "model", to="de", engine="onnx")) > 0.6


def test_another_engine_says_the_same_where_the_tag_stands_before_the_pieces(
    languages: Trained, tmp_path: Path
) -> None:
    runs = pytest.importorskip("ctranslate2", reason="the extra `export` is missing")
    folder = languages.folder
    told = invoke("export", "--model", folder.path, "--to", "ctranslate2", "--into", tmp_path / "other")
    assert "<to:fr>, <to:de>" in told
    tokenizer, runner = folder.load_tokenizers().source, runs.Translator(str(tmp_path / "other"))
    pieces = [["<to:de>", *tokenizer.pieces(tokenizer.encode(text))] for text in UNSEEN]
    found = runner.translate_batch(pieces, beam_size=1)
    texts = ["".join(one.hypotheses[0]).replace("\u2581", " ").strip() for one in found]
    assert texts == load(folder.path, to="de").translate(UNSEEN, beam=1)
    with pytest.raises(Mistake, match="one direction"):
        invoke("export", "--model", folder.path, "--to", "argos", "--into", tmp_path / "argos")


@given(st.text(st.sampled_from("<to:fr> sunmo.é")))
def test_no_text_types_a_tag(text: str) -> None:
    plain, marked = TOKENIZERS
    assert marked.encode(text) == [
        number + 2 if number >= SPECIALS else number for number in plain.encode(text)
    ]
    assert not set(marked.encode(text)) & {SPECIALS, SPECIALS + 1}
    ids = marked.tagged(["<domain:law>", "<to:fr>"]).encode(text)
    assert ids == ([SPECIALS + 1, SPECIALS, *marked.encode(text)] if marked.encode(text) else [])
    assert marked.decode(ids) == marked.decode(marked.encode(text))


LINES = ["the <to sun", "domain:law> and the moon", "sun sun moon :fr>"] * 20
TOKENIZERS = (
    Tokenizer.learn(LINES, 330),
    Tokenizer.learn(LINES, 330, tags=["<to:fr>", "<domain:law>"]),
)


def test_tags_are_pieces_beside_those_of_texts_and_never_split() -> None:
    plain, marked = TOKENIZERS
    assert marked.size == plain.size + 2
    assert [piece for piece in marked.all_pieces() if piece not in marked.tags] == plain.all_pieces()
    assert (Splitter(marked).halves[: SPECIALS + 2] == 0).all()
    again = Tokenizer.from_bytes(marked.to_bytes())
    assert again.tags == ["<to:fr>", "<domain:law>"]
    with pytest.raises(Mistake, match="know no <to:de>"):
        marked.tagged(["<to:de>"])


def test_one_pair_in_some_goes_without_its_domain() -> None:
    pairs = [Pair("a", "b", number) for number in range(3 * PLAIN)]
    found = [pair.tags for pair in tagged(pairs, ("<to:fr>", "<domain:law>"))]
    assert found.count(("<to:fr>",)) == 3
    assert found.count(("<to:fr>", "<domain:law>")) == 3 * (PLAIN - 1)


def opened(names: list[str], source: str | None, target: str | None) -> dict[tuple[Any, Any], list[Any]]:
    """By direction: the name of each corpus, its first pair and its tags."""
    found = open_corpora([weighted(one) for one in names], [], (source, target), keep_going=False)
    told: dict[tuple[Any, Any], list[Any]] = {}
    for chosen, tags in zip(found.training, found.tags(found.training), strict=True):
        one = chosen.corpus
        first = next(one.pairs())
        row = (Path(one.name).name, first.source, first.target, *tags)
        told.setdefault((one.source_language, one.target_language), []).append(row)
    assert found.directions == list(told)
    return told


def test_corpora_are_read_in_each_direction_that_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.en-fr.tsv").write_text("yes\toui\n")
    Path("b.en-de.tsv").write_text("yes\tja\n")
    Path("pairs.tsv").write_text("yes\tsi\n")
    units = "".join(
        f'<tuv xml:lang="{tag}"><seg>{text}</seg></tuv>'
        for tag, text in (("en-GB", "no"), ("fr", "non"), ("de", "nein"))
    )
    Path("c.tmx").write_text(f'<tmx version="1.4"><body><tu>{units}</tu></body></tmx>')
    one_to_many = opened(["law=a.en-fr.tsv:2", "b.en-de.tsv", "c.tmx"], "en", "fr,de")
    assert one_to_many == {
        ("en", "fr"): [
            ("a.en-fr.tsv", "yes", "oui", "<to:fr>", "<domain:law>"),
            ("c.tmx", "no", "non", "<to:fr>"),
        ],
        ("en", "de"): [("b.en-de.tsv", "yes", "ja", "<to:de>"), ("c.tmx", "no", "nein", "<to:de>")],
    }
    many_to_one = opened(["a.en-fr.tsv", "b.en-de.tsv"], "fr,de", "en")
    assert many_to_one == {
        ("fr", "en"): [("a.en-fr.tsv", "oui", "yes")],
        ("de", "en"): [("b.en-de.tsv", "ja", "yes")],
    }
    assert opened(["a.en-fr.tsv"], "en,fr", "en,fr").keys() == {("en", "fr"), ("fr", "en")}
    assert opened(["a.en-fr.tsv", "b.en-de.tsv"], None, "fr,de").keys() == {("en", "fr"), ("en", "de")}
    assert opened(["pairs.tsv"], None, None) == {(None, None): [("pairs.tsv", "yes", "si")]}
    for names, source, target, told in (
        (["a.en-fr.tsv", "pairs.tsv"], "en", "fr,de", "pairs.tsv doesn't tell its languages"),
        (["a.en-fr.tsv"], "en", "fr,de", "No corpus is to de"),
        (["b.en-de.tsv"], "en", "fr,es", "by its name"),
        (["a.en-fr.tsv", "b.en-de.tsv"], None, None, "with commas: --to fr,de"),
    ):
        with pytest.raises(Mistake, match=told):
            opened(names, source, target)


def test_a_domain_stands_before_a_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert weighted("law=a.tmx:3") == ("a.tmx", 3, "law")
    assert weighted("law=a.en,a.fr") == ("a.en,a.fr", 1, "law")
    assert weighted("a b=c.tsv") == ("a b=c.tsv", 1, None)
    Path("x=1.tsv").touch()
    assert weighted("x=1.tsv") == ("x=1.tsv", 1, None)
    assert weighted("x=1.tsv:2") == ("x=1.tsv", 2, None)
