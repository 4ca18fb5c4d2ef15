"""latimer train --guide, from the file of links to the same bytes after a stop."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from test_recipe import Watcher, digest

from latimer.aligner import Aligner, align_corpus, stored_reading
from latimer.alignment import Reading, read_links, score_links
from latimer.config import configure
from latimer.data.corpus import Corpus
from latimer.data.guides import write_guides
from latimer.data.store import TokenStore
from latimer.errors import Mistake
from latimer.folder import ModelFolder
from latimer.recipe import Trained, train
from latimer.training.log import Silent
from latimer.tuning import prepare_from

STRONG = {"training.guidance": 2, "training.rate": 0.02, "training.steps": 60}


@pytest.fixture(scope="module")
def links(pairs_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The true links of the small corpus, whose languages have one order: word for word."""
    path = tmp_path_factory.mktemp("guide") / "links.txt"
    lines = pairs_file.read_text(encoding="utf-8").splitlines()
    diagonal = (" ".join(f"{i}-{i}" for i in range(len(line.split("\t")[0].split()))) for line in lines)
    path.write_text("".join(f"{line}\n" for line in diagonal), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def settings(small_settings: dict[str, Any]) -> dict[str, Any]:
    return {**small_settings, "model.encoder": "transformer", "model.decoder": "transformer"}


@pytest.fixture(scope="module")
def guided(
    pairs_file: Path, links: Path, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """A finished run with a strong pull; read only, please."""
    config = configure({**settings, **STRONG})
    into = tmp_path_factory.mktemp("guided") / "model"
    return train(config, str(pairs_file), into=into, guide=links, reporter=Silent())


def error_rate(folder: Path, corpus: Path, links: Path) -> float:
    found = [ours for _, ours in align_corpus(Aligner.load(folder), Corpus.open(str(corpus)))]
    return score_links(found, map(read_links, links.read_text().splitlines())).error_rate


def test_a_guided_head_looks_where_it_was_told(
    guided: Trained, pairs_file: Path, links: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    assert Aligner.load(guided.folder.path).reading == Reading("decoder.blocks.0.attention", 0, False)
    ours = error_rate(guided.folder.path, pairs_file, links)
    config = configure({**settings, **STRONG})
    train(config, str(pairs_file), into=tmp_path / "free", reporter=Silent())
    theirs = error_rate(tmp_path / "free", pairs_file, links)
    assert ours < 0.1 < 0.3 < theirs


def test_what_is_guided_is_not_split(
    guided: Trained, pairs_file: Path, links: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    assert guided.progress.splitting is None
    config = configure({**settings, "training.splitting": 0.1})
    with pytest.raises(Mistake, match=r"leave training\.splitting away"):
        train(config, str(pairs_file), into=tmp_path, guide=links)


def test_the_folder_says_by_what_it_was_guided(guided: Trained, links: Path) -> None:
    assert guided.folder.record["guide"] == {"file": str(links), "sha256": digest(links)}


def test_each_pair_that_is_trained_on_has_its_own_links(guided: Trained) -> None:
    """Held-out pairs and long ones are left out of both alike; a word's link is one of all its pieces."""
    pairs = TokenStore.open(guided.folder.training / "tokens")
    kept = TokenStore.open(guided.folder.training / "guides")
    tokenizers = guided.folder.load_tokenizers()
    assert len(pairs) == len(kept) == guided.folder.record["data"]["pairs"]
    for row in range(len(pairs)):
        source = tokenizers.source.word_of(pairs.source(row).tolist())
        target = tokenizers.target.word_of(pairs.target(row).tolist())
        expected = {(s, t) for s in range(len(source)) for t in range(len(target)) if source[s] == target[t]}
        assert set(zip(kept.source(row).tolist(), kept.target(row).tolist(), strict=True)) == expected


def test_skipped_and_long_pairs_keep_lines_and_links_together(trained: Trained, tmp_path: Path) -> None:
    corpus, guide = tmp_path / "some.en-fr.tsv", tmp_path / "links"
    corpus.write_text("he\til\n\tle\nI see the dog the dog\tje vois\na dog\tun chien\n", encoding="utf-8")
    guide.write_text("0-0\n\n0-0 5-1\n1p1 0-1\n")
    source, target = trained.folder.load_tokenizers()
    sides: dict[str, Any] = {"division": None, "source": source, "target": target}
    opened = Corpus.open(str(corpus))
    store = write_guides(tmp_path / "guides", opened, str(guide), **sides, longest=12)
    lengths = [len(source.encode(text)) for text in ("he", "I see the dog the dog", "a dog")]
    assert lengths[1] > 12 >= max(lengths[0], lengths[2]), "the third line is too long, or this shows nothing"
    assert len(store) == 2
    # "a" with "chien", not the possible "dog" with "chien".
    words = (
        source.word_of(source.encode("a dog")).tolist(),
        target.word_of(target.encode("un chien")).tolist(),
    )
    expected = {(s, t) for s, i in enumerate(words[0]) for t, j in enumerate(words[1]) if (i, j) == (0, 1)}
    assert set(zip(store.source(1).tolist(), store.target(1).tolist(), strict=True)) == expected
    turned = write_guides(tmp_path / "turned", opened.reversed(), str(guide), **sides, longest=12)
    words = (
        source.word_of(source.encode("un chien")).tolist(),
        target.word_of(target.encode("a dog")).tolist(),
    )
    expected = {(s, t) for s, i in enumerate(words[0]) for t, j in enumerate(words[1]) if (i, j) == (1, 0)}
    assert set(zip(turned.source(1).tolist(), turned.target(1).tolist(), strict=True)) == expected


def test_a_stopped_guided_run_ends_in_the_same_bytes(
    guided: Trained, pairs_file: Path, links: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    config = configure({**settings, **STRONG})

    def go(reporter: Silent) -> Trained:
        return train(config, str(pairs_file), into=tmp_path / "model", guide=links, reporter=reporter)

    first = go(Watcher(stop_at=20))
    assert not first.progress.finished
    assert go(Silent()).progress.finished
    assert digest(tmp_path / "model/model.safetensors") == digest(guided.folder.path / "model.safetensors")


def test_without_links_that_pull_nothing_changes(
    pairs_file: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    """No guide, and a guide of empty lines: the same losses, but for the kernel that makes the weights."""
    empty = tmp_path / "empty"
    empty.write_text("\n" * len(pairs_file.read_text().splitlines()))
    losses = []
    for guide in (None, empty):
        into = tmp_path / f"{guide is None}"
        config = configure({**settings, "training.steps": 6})
        done = train(config, str(pairs_file), into=into, guide=guide, reporter=Silent())
        losses.append(done.progress.best_loss)
        assert (into / "training" / "guides").exists() == (guide is not None)
        assert ("guide" in done.folder.record) == ("reading" in done.folder.record) == (guide is not None)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_going_on_from_a_trained_model_with_links(
    guided: Trained, pairs_file: Path, links: Path, tmp_path: Path
) -> None:
    prepare_from(
        ModelFolder(tmp_path / "model"),
        configure({}),
        [str(pairs_file)],
        base=str(guided.folder.path),
        replay=[str(shutil.copy(pairs_file, tmp_path / "old.en-fr.tsv"))],
        validation=[],
        languages=(None, None),
        guide=str(links),
        reporter=Silent(),
    )
    folder = ModelFolder(tmp_path / "model")
    pairs, kept = (TokenStore.open(folder.training / name) for name in ("tokens", "guides"))
    assert 0 < len(kept) < len(pairs), "replayed pairs have no links"
    assert stored_reading(folder) == Reading("decoder.blocks.0.attention", 0, False)
    assert folder.record["guide"]["file"] == str(links)


def test_mistakes_with_links_are_named(
    pairs_file: Path, links: Path, guided: Trained, settings: dict[str, Any], tmp_path: Path
) -> None:
    def go(*corpora: str, guide: Path = links, **more: Any) -> None:
        config = configure({**settings, **more})
        train(config, list(corpora), into=tmp_path / "model", guide=guide, reporter=Silent())

    corpus = str(pairs_file)
    with pytest.raises(Mistake, match=r"none.txt is no file; --guide wants links"):
        go(corpus, guide=tmp_path / "none.txt")
    with pytest.raises(Mistake, match="goes with one CORPUS"):
        go(corpus, corpus)
    with pytest.raises(Mistake, match="can't be guided"):
        go(corpus, **{"model.encoder": "lstm", "model.decoder": "lstm", "model.score": "none"})
    short = tmp_path / "short.txt"
    short.write_text("0-0\n" * 3)
    with pytest.raises(Mistake, match=r"short.txt has 3 lines and the corpus at least 4"):
        go(corpus, guide=short)
    assert not (tmp_path / "model" / "config.json").exists()
    config = configure({**settings, **STRONG})
    with pytest.raises(Mistake, match=r"another configuration .*guide is .*links.txt.* there and None here"):
        train(config, corpus, into=guided.folder.path, reporter=Silent())
