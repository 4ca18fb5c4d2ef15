"""What the report of a comparison says in plain words, for whoever sees such numbers for the first time."""

SCORES = (
    "BLEU and chrF2++ say how much a translation has in common with a human one, from 0 to "
    "100. The 95 % interval is where the score would mostly fall with other test sentences "
    "and other seeds."
)
PAIRS = (
    "Each cell: how far the model of the row is ahead of the model of the column, the 95 % "
    "interval of that, and p, how easily chance alone would do it. Where p is below 0.05 the "
    "cell is marked: that difference can be believed."
)
LENGTHS = (
    "A model without attention has to squeeze a whole sentence into one vector, and loses the "
    "thread in long ones (Bahdanau, Cho and Bengio 2015, figure 2)."
)
CURVES = (
    "Each line is one run, from its first validation to its last. These are other sentences "
    "than the test's, translated by the quickest search, so the scores are not those of the "
    "table."
)
COSTS = (
    "Speeds were measured in turns, so that whatever else the machine did hit all alike. A "
    "CPU second is one second of one core, and depends least on what else was running."
)
ATTENTION = (
    "Source across, target down. The more a cell stands out, the more the model looked at "
    "that source word while it wrote that target word: the mean over all layers and heads, of "
    "the first seed."
)
CHOSEN = "The sentences are the first and the last of middle length in the test, not the best."


def meaning(*, seeds: int, resamples: int, signatures: dict[str, str]) -> dict[str, str]:
    """The words of the report, each with what it means."""
    luck = (
        "Only one seed was trained, so its luck is not in the intervals: they are too narrow."
        if seeds == 1
        else f"Its luck is known only as far as {seeds} runs show it: with more seeds the "
        "intervals are more honest."
    )
    return {
        "Equal budget": "Every model was trained equally long, on the same pairs in the same order "
        "(for the same seed), with the same subwords and the same number of tokens in a batch. "
        "Which is better holds for this budget: with a larger one the order may change.",
        "Seed": "The number from which everything random in a training follows: the first "
        "parameters, the order of the pairs, dropout. From another seed the same model scores "
        f"differently. {luck}",
        "BLEU, chrF2++": "BLEU counts the words, and the sequences of two, three and four words, that a "
        "translation shares with a reference. chrF2++ counts letters too, and so forgives a wrong "
        "ending. A good human translation does not reach 100, and scores on different test sets "
        "can't be compared.",
        "95 % interval": f"A hierarchical bootstrap. {resamples:,} times, test sentences are drawn with "
        "replacement, the same for all models, and as many runs of each model as it has; the "
        "value is the mean of the drawn runs' scores. The interval holds the middle 95 % of the "
        "values.",
        "p": "From the same draws: twice the share of them in which the difference is gone or "
        "reversed. Whoever looks at many pairs finds one that seems to differ by accident; Holm's "
        "correction makes up for that. p above 0.05 does not mean that two models are equal, "
        "only that this test can't tell.",
        "Attention": "The weights in a row say where the model read while it wrote one word. They "
        "show what it used, but a strong cell is no proof that the two words translate each other.",
        "Signatures": "How sacreBLEU was told to count, so that others can count alike: "
        + "; ".join(f"{name} {text}" for name, text in signatures.items())
        + ".",
    }
