"""The lesson: an LSTM with attention learns the shortest sentences of a corpus, in minutes.

    python examples/lesson.py                    the phrasebook that comes with Latimer
    python examples/lesson.py pairs.tsv          your own: a source and a target column
    python examples/lesson.py --epochs 20        less patience

The 1,000 shortest pairs, words as tokens, 32 units, 2 layers, dropout 0.1, batches of 64 sentences,
Adam at 0.005. It reads from top to bottom: text, numbers, model, training, search, picture.

A thousand pairs teach no language. What is shown is that the parts learn: the translations and the
picture are of sentences that the model was trained on.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn

from latimer.data.batches import collate
from latimer.data.corpus import Corpus
from latimer.data.store import TokenStore
from latimer.data.tokenizer import BOS, EOS, SPECIALS
from latimer.errors import Mistake
from latimer.models.base import Seq2Seq
from latimer.models.lstm import LSTMDecoder, LSTMEncoder
from latimer.nn.attention import Additive, Attention, capture
from latimer.search.beam import beam_search
from latimer.training.loss import projected_loss
from latimer.visualize import AttentionMap, terminal

PAIRS = 1_000
TOKENS = 10  # on a side, the end of the sentence counted
UNITS, LAYERS, DROPOUT = 32, 2, 0.1
SENTENCES, RATE = 64, 0.005
ASKED = ("Go .", "Good night !", "I'm OK .", "I won !")

Words = list[str]


# 1. Text. A sentence is a list of words; a mark of punctuation is a word of its own.


def split(text: str) -> Words:
    """The words of "I'm OK." are I'm, OK and the full stop."""
    return re.findall(r"\w+(?:['’-]\w+)*['’]?|[^\w\s]", text)


def shortest_pairs(corpus: str) -> list[tuple[Words, Words]]:
    """The pairs with the shortest sources. One of more than TOKENS is left out rather than cut:
    a sentence without its end would teach the model never to stop."""
    pairs = sorted(Corpus.open(corpus).pairs(), key=lambda pair: len(pair.source))
    short = [
        (source, target)
        for source, target in ((split(pair.source), split(pair.target)) for pair in pairs)
        if max(len(source), len(target)) < TOKENS
    ]
    if not short:
        raise Mistake(f"{corpus} has no pair of at most {TOKENS - 1} words; take one with shorter sentences.")
    return short[:PAIRS]


# 2. Numbers. Every word of the corpus gets one, after those of padding, beginning and end.


class Vocabulary:
    """Words to numbers and back."""

    def __init__(self, sentences: Iterable[Words]) -> None:
        found = sorted({word for sentence in sentences for word in sentence})
        self.numbers = {word: number for number, word in enumerate(found, SPECIALS)}
        self.words = ["<pad>", "<s>", "</s>", "<unk>", *found]

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, sentence: Words) -> list[int]:
        return [self.numbers[word] for word in sentence]

    def decode(self, numbers: Iterable[int]) -> Words:
        return [self.words[number] for number in numbers]


# 3. The model. The encoder reads both ways, half of its units for each. The decoder's last state asks
#    (the query), the encoder's states answer (keys and values), additive attention says how well.


def make_model(source_words: int, target_words: int) -> Seq2Seq:
    encoder = LSTMEncoder(nn.Embedding(source_words, UNITS), UNITS, layers=LAYERS, dropout=DROPOUT)
    decoder = LSTMDecoder(
        nn.Embedding(target_words, UNITS),
        UNITS,
        source_width=UNITS,
        attention=Attention(Additive(UNITS, UNITS, UNITS)),
        layers=LAYERS,
        dropout=DROPOUT,
        tied=False,
    )
    return Seq2Seq(encoder, decoder)


# 4. Training. The decoder is given the right words so far (inputs) and says the next ones (outputs).
#    The loss is the mean over real words: padding is neither scored nor even projected.


def train(model: Seq2Seq, store: TokenStore, *, epochs: int, console: Console) -> list[float]:
    """Returns the loss of each epoch, in nats a word."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    losses = []
    model.train()
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=epochs)
        for epoch in range(1, epochs + 1):
            nats, words = 0.0, 0
            order = torch.randperm(len(store)).tolist()
            for start in range(0, len(store), SENTENCES):
                batch = collate(store, order[start : start + SENTENCES])
                features = model.features(batch.source, batch.source_mask, batch.inputs)
                real = batch.target_mask
                loss = projected_loss(features[real], model.decoder.output.weight, batch.outputs[real], 0.0)
                optimizer.zero_grad()
                (loss / batch.tokens).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                nats, words = nats + loss.item(), words + batch.tokens
            losses.append(nats / words)
            bar.advance(task)
            if epoch in (1, epochs) or epoch % max(1, epochs // 10) == 0:
                console.print(f"epoch {epoch:4}   loss {losses[-1]:.3f}", highlight=False)
    return losses


# 5. Search. Greedy: the likeliest word, again and again, until the end is the likeliest. That is beam
#    search of width 1. `capture` listens to the attention meanwhile.


class Translation(NamedTuple):
    words: Words
    attention: AttentionMap


def translate(model: Seq2Seq, sentence: Words, source: Vocabulary, target: Vocabulary) -> Translation:
    model.eval()
    tokens = torch.tensor([[*source.encode(sentence), EOS]])
    with torch.inference_mode(), capture(model) as maps:
        memory = model.memory(tokens, torch.ones_like(tokens, dtype=torch.bool))
        [[best]] = beam_search(model.decoder, memory, limits=torch.tensor([TOKENS]), bos=BOS, eos=EOS, beam=1)
    words = target.decode(best.tokens)
    weights = maps["decoder.attention"][0]
    return Translation(words, AttentionMap([*sentence, "</s>"], [*words, "</s>"], weights))


# 6. The experiment.


def sentences_to_show(sources: Sequence[Words]) -> list[Words]:
    """Those of ASKED that the corpus has; where it has none of them, some of its own."""
    asked = [split(sentence) for sentence in ASKED]
    return [sentence for sentence in asked if sentence in sources] or list(sources[:: len(sources) // 4 + 1])


def run(corpus: str, *, epochs: int, console: Console) -> tuple[list[float], float]:
    """The whole lesson; returns the losses, and the share of the training sentences that come out right."""
    torch.manual_seed(1)
    pairs = shortest_pairs(corpus)
    references: dict[str, list[Words]] = {}
    for one, other in pairs:
        references.setdefault(" ".join(one), []).append(other)
    source, target = Vocabulary(one for one, _ in pairs), Vocabulary(other for _, other in pairs)
    console.print(f"{len(pairs):,} pairs, {len(source):,} source and {len(target):,} target words")

    store = TokenStore.of((source.encode(one), target.encode(other)) for one, other in pairs)
    model = make_model(len(source), len(target))
    losses = train(model, store, epochs=epochs, console=console)

    for sentence in sentences_to_show([one for one, _ in pairs]):
        text = " ".join(sentence)
        translation = translate(model, sentence, source, target)
        known = " | ".join(" ".join(words) for words in references[text])
        console.out(f"\n{text}  →  {' '.join(translation.words)}    (corpus: {known})\n", highlight=False)
        print(terminal(translation.attention, colour=console.is_terminal), file=console.file)

    found = {text: translate(model, text.split(), source, target).words for text in references}
    right = sum(words in references[text] for text, words in found.items()) / len(found)
    console.print(f"\nOf all {len(found):,} training sentences, {right:.1%} come out as the corpus has them.")
    return losses, right


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="An LSTM with attention learns 1,000 short sentences.")
    parser.add_argument("corpus", nargs="?", default="builtin:phrasebook", help="pairs.tsv")
    parser.add_argument("--epochs", type=int, default=300, help="passes over the pairs (default: 300)")
    options = parser.parse_args(arguments)
    if options.epochs < 1:
        parser.error("--epochs must be at least 1.")
    try:
        run(options.corpus, epochs=options.epochs, console=Console())
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
