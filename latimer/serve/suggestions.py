"""Better translations that readers send in, saved as sentence pairs: ready for `train --from-model`."""

from pathlib import Path

from latimer.serve.limits import Refusal

MOST = 100_000_000  # bytes of one file


class Suggestions:
    """A TSV a direction, suggestions.en-fr.tsv, in a folder."""

    def __init__(self, folder: Path, *, most: int = MOST) -> None:
        self.folder, self.most = folder, most

    def add(self, source: str, target: str, *, languages: tuple[str, str]) -> None:
        """Append one pair. `languages` are served codes, never what a client says. Raises Refusal (403)."""
        path = self.folder / f"suggestions.{'-'.join(languages)}.tsv"
        line = f"{_one_line(source)}\t{_one_line(target)}\n"
        if path.exists() and path.stat().st_size + len(line) > self.most:
            raise Refusal(403, "There are enough suggestions; nothing was saved")
        self.folder.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line)


def _one_line(text: str) -> str:
    return " ".join(text.split())
