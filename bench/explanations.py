"""Is attention an explanation? For each model: whose attention finds the links, and what hangs on it.

    python -m bench.explanations --models runs/lstm runs/transformer --trial a.en,a.fr --gold links \\
        --corpus dev.en,dev.fr --into runs/explanations

Where attention looks is compared with what people linked (alignment error rate), and with where the output
is sensitive (gradient times input). Then it is taken from the model: made even, or its weights shuffled, and
what the model says next is compared with what it would have said (Jain and Wallace 2019, "Attention is not
explanation"; Wiegreffe and Pinter 2019, "Attention is not not explanation"). Prints tables, writes
explanations.json and pictures.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latimer import evaluate
from latimer.aligner import TOKENS, compare_readings, with_gold, word_maps
from latimer.alignment import Gold, Reading, score_links
from latimer.data.batches import in_order
from latimer.data.corpus import Corpus
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS
from latimer.files import write_whole
from latimer.models.base import Encoder, source_attentions
from latimer.models.conv import ConvEncoder
from latimer.nn.attention import Change, capture, intervene, masked_softmax
from latimer.shapes import Tensor
from latimer.translator import Translator
from latimer.visualize import AttentionMap, svg_intervals, svg_map
from latimer.wordmaps import linked, one_head

Pairs = Sequence[tuple[str, str]]


# --- changing what is looked at


def even(weights: Tensor, mask: Tensor | None) -> Tensor:
    """All visible positions alike."""
    return masked_softmax(torch.zeros_like(weights), None if mask is None else mask.expand_as(weights))


def shuffled(weights: Tensor, mask: Tensor | None) -> Tensor:
    """The same weights at other visible positions, by chance; the hidden ones come last and stay hidden."""
    chance = torch.rand_like(weights)
    if mask is not None:
        chance = chance.masked_fill(~mask, 2.0)
    return weights.gather(-1, chance.argsort(-1))


def only(layer: str | None, head: int | None, how: Callable[[Tensor, Tensor | None], Tensor]) -> Change:
    """For `intervene`: one head (None: all) of one layer over the source (None: of all of them)."""

    def change(name: str, weights: Tensor, mask: Tensor | None) -> Tensor | None:
        over_source = name.startswith("decoder.") and ".past." not in name
        if not over_source or layer not in (None, name):
            return None
        changed = how(weights, mask)
        if head is None:
            return changed
        return torch.cat([weights[:, :head], changed[:, head : head + 1], weights[:, head + 1 :]], 1)

    return change


class Effect(NamedTuple):
    """What a change does to the next piece, over all positions of the given translations."""

    changed: float  # share of positions where another piece is the likeliest
    variation: float  # total variation distance of the two distributions, 0 to 1, mean
    loss: float  # nats a piece, after the change


def effects(translator: Translator, pairs: Pairs, changes: dict[str, Change]) -> dict[str, Effect]:
    """What each change does while the model reads the given translations."""
    model, totals = translator.model.eval(), {name: np.zeros(3) for name in changes}
    count = 0
    for batch in in_order(_store(translator, pairs), TOKENS // 2):
        inputs = batch.to(translator.device)[:3]
        real, targets = batch.target_mask, batch.outputs[batch.target_mask]
        count += batch.tokens
        with torch.inference_mode():
            before = model(*inputs).cpu()[real].softmax(-1)
            for name, change in changes.items():
                torch.manual_seed(1)
                with intervene(model, change):
                    after = model(*inputs).cpu()[real].log_softmax(-1)
                totals[name] += [
                    (before.argmax(-1) != after.argmax(-1)).sum().item(),
                    (before - after.exp()).abs().sum().item() / 2,
                    -after.gather(1, targets[:, None]).sum().item(),
                ]
    return {name: Effect(*(total / count).tolist()) for name, total in totals.items()}


def bleu_with(translator: Translator, pairs: Pairs, change: Change | None) -> float:
    """BLEU of greedy translations, made while the change holds."""
    torch.manual_seed(1)
    with nullcontext() if change is None else intervene(translator.model, change):
        found = translator.translate([source for source, _ in pairs], beam=1)
    return evaluate.bleu(found, [[target] for _, target in pairs]).value


# --- where it looks, and where it is sensitive


def spread(translator: Translator, pairs: Pairs) -> dict[tuple[str, int], float]:
    """The entropy of each head's weights over that of even ones, mean over pieces: 0 one place, 1 all."""
    model, count = translator.model.eval(), 0
    found: dict[tuple[str, int], float] = {}
    layers = source_attentions(model)
    for batch in in_order(_store(translator, pairs), TOKENS):
        with torch.inference_mode(), capture(model) as maps:
            model.features(*batch.to(translator.device)[:3])
        real = batch.target_mask
        most = batch.source_mask.sum(1).log()[:, None].expand_as(real)[real]
        count += batch.tokens
        for layer in layers:
            weights = maps[layer].cpu()
            weights = weights[:, None] if weights.dim() == 3 else weights
            for head in range(weights.shape[1]):
                entropy = torch.special.entr(weights[:, head]).sum(-1)[real]
                place = (layer, head)
                found[place] = found.get(place, 0.0) + float((entropy / most).sum())
    return {place: total / count for place, total in found.items()}


@contextmanager
def embedded_source(encoder: Encoder) -> Iterator[list[Tensor]]:
    """Catch what stands for the source, so that gradients reach it; it is the first that is embedded.

    A convolutional encoder divides its gradient for the sake of training: not here.
    """
    caught: list[Tensor] = []

    def catch(module: nn.Module, arguments: object, vectors: Tensor) -> Tensor | None:
        if caught:  # the decoder may share the embedding
            return None
        caught.append(vectors.detach().requires_grad_())
        return caught[0]

    handle = encoder.embedding.register_forward_hook(catch)
    divided = encoder.attentions if isinstance(encoder, ConvEncoder) else None
    try:
        if isinstance(encoder, ConvEncoder):
            encoder.attentions = 1
        yield caught
    finally:
        if isinstance(encoder, ConvEncoder) and divided:
            encoder.attentions = divided
        handle.remove()


def saliency(translator: Translator, pair: tuple[str, str]) -> NDArray[np.float64]:
    """How strongly each target word hangs on each source word, T S: sum over pieces of |x . d log p / d x|.

    x is the vector of a source piece, p the probability of a target word given those before it. So it says
    what making x a little longer does to log p.
    """
    model, tokenizers = translator.model.eval(), translator.tokenizers
    sources, targets = tokenizers.source.encode(pair[0]), tokenizers.target.encode(pair[1])
    source = torch.tensor([[*sources, EOS]], device=translator.device)
    inputs = torch.tensor([[BOS, *targets[:-1]]], device=translator.device)
    with torch.enable_grad(), embedded_source(model.encoder) as caught:
        log_probs = model(source, torch.ones_like(source, dtype=torch.bool), inputs)[0].log_softmax(-1)
        said = log_probs[torch.arange(len(targets)), targets]
        source_words, target_words = tokenizers.source.word_of(sources), tokenizers.target.word_of(targets)
        rows = []
        for word in range(target_words[-1] + 1):
            whole = said[torch.from_numpy(target_words == word).to(said.device)].sum()
            [gradient] = torch.autograd.grad(whole, caught[0], retain_graph=True)
            pieces = (gradient * caught[0]).sum(-1).abs()[0, :-1].detach().double().cpu().numpy()
            rows.append(np.bincount(source_words, pieces))
    return np.stack(rows)


# --- the lesson


class Lesson(NamedTuple):
    """All that is measured of a model."""

    readings: list[tuple[Reading, float]]  # alignment error rate, best first
    saliency_error_rate: float
    agreement: float  # share of target words where saliency and the best reading point at the same word
    spread: dict[tuple[str, int], float]
    effects: dict[str, Effect]
    bleu: dict[str, float]


def examine(folder: Path, trial: Pairs, gold: Sequence[Gold], pairs: Pairs) -> Lesson:
    """Measure the model in `folder`: alignments on `trial`, changes on `pairs`."""
    translator = Translator.load(folder)
    found = compare_readings(translator, trial, gold)
    best = found[0].reading
    place, attended = (best.layer, best.shifted), {}
    for row, maps in word_maps(translator, trial, [place]):
        weights = maps[place]
        attended[row] = one_head(weights, best.head).argmax(1)
    salient = [saliency(translator, pair) for pair in trial]
    same = [weights.argmax(1) == attended[row] for row, weights in enumerate(salient)]
    layers = source_attentions(translator.model)
    heads = spread(translator, pairs)
    changes = {
        f"{layer} head {head}, even": only(layer, head, even) for layer, head in heads if _many(heads, layer)
    }
    if len(layers) > 1:
        changes |= {f"{layer}, even": only(layer, None, even) for layer in layers}
    everywhere = {"all, even": only(None, None, even), "all, shuffled": only(None, None, shuffled)}
    bleu = {"as it is": bleu_with(translator, pairs, None)}
    bleu |= {name: bleu_with(translator, pairs, change) for name, change in everywhere.items()}
    return Lesson(
        [(reading, score.error_rate) for reading, score in found],
        score_links(map(linked, salient), gold).error_rate,
        float(np.concatenate(same).mean()),
        heads,
        effects(translator, pairs, {"as it is": _nothing, **changes, **everywhere}),
        bleu,
    )


def _nothing(name: str, weights: Tensor, mask: Tensor | None) -> None:
    """The change that is none."""


def _many(heads: dict[tuple[str, int], float], layer: str) -> bool:
    return (layer, 1) in heads


def _store(translator: Translator, pairs: Pairs) -> TokenStore:
    source, target = translator.tokenizers
    return TokenStore.of((source.encode(one), target.encode(other)) for one, other in pairs)


def tables(lessons: dict[str, Lesson]) -> str:
    """All of it as Markdown."""
    lines = [
        "| model | best reading | AER | worst AER | AER of saliency | saliency and attention agree |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in lessons.items():
        (best, least), (_, most) = one.readings[0], one.readings[-1]
        lines.append(
            f"| {name} | {best.described()} | {100 * least:.1f} | {100 * most:.1f} "
            f"| {100 * one.saliency_error_rate:.1f} | {100 * one.agreement:.0f} % |"
        )
    lines += ["", "| model | BLEU as it is | attention even | attention shuffled |", "|---|---|---|---|"]
    lines += [
        f"| {name} | " + " | ".join(f"{value:.1f}" for value in one.bleu.values()) + " |"
        for name, one in lessons.items()
    ]
    for name, one in lessons.items():
        lines += ["", f"{name}:", "", "| head | AER | AER, a step later | spread |", "|---|---|---|---|"]
        rates = dict(one.readings)
        for (layer, head), share in one.spread.items():
            asked = head if _many(one.spread, layer) else None
            now, later = (rates[Reading(layer, asked, shifted)] for shifted in (False, True))
            lines.append(f"| {layer} {head} | {100 * now:.1f} | {100 * later:.1f} | {share:.2f} |")
        lines += ["", "| change | other piece | total variation | nats a piece |", "|---|---|---|---|"]
        for change, (changed, variation, loss) in one.effects.items():
            lines.append(f"| {change} | {100 * changed:.1f} % | {variation:.3f} | {loss:.2f} |")
    return "\n".join(lines) + "\n"


def pictures(
    lessons: dict[str, Lesson], models: Sequence[Path], pair: tuple[str, str]
) -> Iterator[tuple[str, str]]:
    """Names and SVG: the error rate of all readings, and attention beside saliency in one sentence pair."""
    rows = {}
    for name, one in lessons.items():
        rates = [100 * rate for _, rate in one.readings]
        rows[name] = (rates[0], rates[0], rates[-1], rates)
    title = "How far attention is from what people linked"
    yield (
        "readings",
        svg_intervals(rows, title=title, x="alignment error rate, % (less is better): best, and all"),
    )
    for folder in models:
        translator, name = Translator.load(folder), folder.name
        source, target = pair[0].split(), pair[1].split()
        best = lessons[name].readings[0][0]
        [(_, maps)] = word_maps(translator, [pair], [(best.layer, best.shifted)])
        weights = maps[best.layer, best.shifted]
        weights = one_head(weights, best.head)
        yield f"attention-{name}", svg_map(AttentionMap(source, target, weights, f"{name}: attention"))
        hangs = saliency(translator, pair)
        share = hangs / hangs.sum(1, keepdims=True).clip(min=1e-12)
        yield (
            f"saliency-{name}",
            svg_map(AttentionMap(source, target, share, f"{name}: gradient times input")),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", nargs="+", type=Path, required=True)
    parser.add_argument("--trial", required=True, help="sentence pairs with gold links")
    parser.add_argument("--gold", required=True, help="the links, a line a pair")
    parser.add_argument("--corpus", required=True, help="pairs on which attention is changed")
    parser.add_argument("--pairs", type=int, default=200, help="how many of them")
    parser.add_argument("--into", type=Path, default=Path("runs/explanations"))
    arguments = parser.parse_args()

    trial, gold = with_gold(Corpus.open(arguments.trial), arguments.gold)
    pairs = [pair[:2] for pair in islice(Corpus.open(arguments.corpus).pairs(), arguments.pairs)]
    lessons = {folder.name: examine(folder, trial, gold, pairs) for folder in arguments.models}
    print(tables(lessons))
    told: dict[str, Any] = {name: _told(one) for name, one in lessons.items()}
    write_whole(arguments.into / "explanations.json", json.dumps(told, indent=1).encode())
    short = min(trial, key=lambda pair: abs(len(pair[0].split()) - 9))
    for name, picture in pictures(lessons, arguments.models, short):
        write_whole(arguments.into / f"{name}.svg", picture.encode())


def _told(one: Lesson) -> dict[str, Any]:
    return {
        "readings": [{**reading._asdict(), "error_rate": rate} for reading, rate in one.readings],
        "saliency_error_rate": one.saliency_error_rate,
        "agreement": one.agreement,
        "spread": [
            {"layer": layer, "head": head, "share": share} for (layer, head), share in one.spread.items()
        ],
        "effects": {name: effect._asdict() for name, effect in one.effects.items()},
        "bleu": one.bleu,
    }


if __name__ == "__main__":
    main()
