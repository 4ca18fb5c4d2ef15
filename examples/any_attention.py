"""The attention of a model that is not Latimer's, drawn by `latimer.visualize`.

    python examples/any_attention.py attention.html

torch's own `nn.MultiheadAttention` learns in a few seconds to write words of eight letters backwards. All
that the picture wants is the letters on both sides and the weights, heads x target x source.
"""

import sys

import torch
from torch import nn

from latimer.visualize import Candidate, Look

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIZE = 8


class Reverser(nn.Module):
    """Each place of the target asks, by its number alone, for a letter of the source."""

    def __init__(self, width: int = 32, heads: int = 2) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), width)
        self.places = nn.Embedding(SIZE, width)
        self.questions = nn.Embedding(SIZE, width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.output = nn.Linear(width, len(LETTERS))

    def forward(self, words: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (B T V) of words (B S), and the weights (B H T S)."""
        values = self.letters(words)
        queries = self.questions.weight.expand(len(words), -1, -1)
        keys = values + self.places.weight
        contexts, weights = self.attention(queries, keys, values, average_attn_weights=False)
        return self.output(contexts), weights


def train(steps: int = 300) -> Reverser:
    """A reverser that has seen `steps` batches of random words."""
    torch.manual_seed(0)
    model = Reverser()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        words = torch.randint(len(LETTERS), (64, SIZE))
        logits, _ = model(words)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), words.flip(1).flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()


@torch.no_grad()
def look(model: Reverser, word: str) -> Look:
    """What the model makes of a word, and where it looked."""
    logits, weights = model(torch.tensor([[LETTERS.index(letter) for letter in word]]))
    said = [LETTERS[letter] for letter in logits[0].argmax(-1)]
    return Look(list(word), [Candidate(said, cross=[weights[0]])])


def main() -> None:
    seen = look(train(), "backward")
    print(seen)
    for path in sys.argv[1:]:  # .html, .svg, .png or .json
        seen.save(path)


if __name__ == "__main__":
    main()
