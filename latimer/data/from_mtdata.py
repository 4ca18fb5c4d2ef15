"""Corpora that mtdata names, fetched by mtdata itself (Gowda et al. 2021, "Many-to-English machine
translation tools, data, and pretrained models").

An identifier is GROUP-NAME-VERSION-L1-L2. mtdata is run as a command, so that it may have an environment of
its own; it keeps what it has fetched.
"""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from latimer.data.download import NO_NETWORK
from latimer.data.origins import Origin, tell, told_file
from latimer.errors import Mistake
from latimer.files import sha256

_NAME = re.compile(
    r"(?:mtdata://)?(?P<id>\w[\w.]*-[\w.]+-[\w.]+-(?P<first>[A-Za-z]\w+)-(?P<second>[A-Za-z]\w+))"
)
NOT_TOLD = "not told by mtdata; see the pages of the corpus"


def names(name: str) -> bool:
    """Whether that is an identifier of mtdata."""
    return _NAME.fullmatch(name) is not None


def get(name: str, into: Path) -> Path:
    """Fetch it into a folder INTO/ID, as `mtdata get` does, and return that; a corpus can be read from it.

    Raises Mistake without mtdata, and where mtdata fails.
    """
    found = _NAME.fullmatch(name)
    assert found is not None  # see names
    identifier, languages = found["id"], f"{found['first']}-{found['second']}"
    folder = into / identifier
    parts = [folder / "train-parts" / f"{identifier}.{found[side]}" for side in ("first", "second")]
    if told_file(parts[0]).exists() and all(part.exists() for part in parts):
        return folder
    asked = [*_command(identifier), "get", "--langs", languages, "--train", identifier, "--out", str(folder)]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode or not all(part.exists() for part in parts):
        raise Mistake(_why(identifier, f"{done.stdout}\n{done.stderr}"))
    digests = ",".join(sha256(part) for part in parts)
    whose = f"{identifier}, fetched by mtdata (Gowda et al. 2021). {_references(folder)}".strip()
    tell(parts[0], Origin(name, f"mtdata://{identifier}", digests, NOT_TOLD, whose))
    return folder


def _command(identifier: str) -> list[str]:
    if find_spec("mtdata") is not None:
        return [sys.executable, "-m", "mtdata"]
    if command := shutil.which("mtdata"):
        return [command]
    raise Mistake(
        f"{identifier} is fetched by mtdata, which is not here; run: pip install mtdata (also in an "
        "environment of its own: its command is enough)."
    )


def _why(identifier: str, told: str) -> str:
    """The last thing that it said, and whether it was the network's fault."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    last = (lines or ["it said nothing"])[-1][:300]
    if "ConnectionError" in last or "Max retries" in last or "Timeout" in last:
        return NO_NETWORK.format(host="the corpus's host", why=last)
    return f"mtdata could not fetch {identifier}: {last}"


def _references(folder: Path) -> str:
    """Whom to cite, as mtdata leaves it."""
    path = folder / "references.bib"
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return " ".join(line.strip() for line in text.splitlines() if not line.startswith("%%")).strip()
