"""Makes .envs/<peer> in the project's root: one environment a peer, all with the torch of .venv.

    .venv/bin/python -m bench.environments            all that are missing
    .venv/bin/python -m bench.environments eole       one, anew

A path file lets an environment see what .venv has, after what it has itself. Torch and its needs are
so installed once, and every tool is measured with the same one. The peers are pinned and installed
without their needs, some of which would replace torch, or numpy by one too old for this Python; what
their training code imports follows by name.
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from latimer.errors import Mistake

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".envs"

ENGINE = "torch==2.13.0"
PEERS = {
    "d2l": "d2l==1.0.3",
    "opennmt": "OpenNMT-py==3.5.1",
    "eole": "eole==0.6.4",
    "joeynmt": "joeynmt==2.3.0",
    "transformers": "transformers==5.23.0",
}
NEEDS = {
    "d2l": ("ipython", "matplotlib", "matplotlib-inline", "pandas", "requests", "scipy"),
    "opennmt": (
        *("configargparse", "ctranslate2>=4,<5", "fasttext-wheel", "flask", "pyahocorasick", "pyonmttok"),
        *("pyyaml", "rapidfuzz", "six", "spacy", "tensorboard", "waitress"),
    ),
    "eole": (
        *("aiohttp", "configargparse", "ctranslate2>=4,<5", "fastapi", "fasttext-wheel", "huggingface_hub"),
        *("pyahocorasick", "pydantic", "pyonmttok", "pyyaml", "rapidfuzz", "requests", "six", "spacy"),
        *("subword-nmt", "tensorboard", "tokenizers", "torch-optimi", "uvicorn", "waitress"),
    ),
    "joeynmt": (
        *("importlib_metadata", "matplotlib", "pandas", "pyyaml", "sacremoses", "setuptools<81"),
        *("subword-nmt", "tensorboard", "tqdm"),
    ),
    "transformers": ("huggingface_hub>=1.31,<3", "pyyaml", "tokenizers>=0.23.1,<0.24", "tqdm", "typer"),
}


def python(peer: str) -> Path:
    """The interpreter that runs this peer's script: our own for `latimer`."""
    return Path(sys.executable) if peer == "latimer" else ENVIRONMENTS / peer / "bin" / "python"


def is_ready(peer: str) -> bool:
    """Whether this peer can be run."""
    return peer == "latimer" or (ENVIRONMENTS / peer / "installed").is_file()


def make(peer: str) -> None:
    """Makes the environment of `peer` anew; raises Mistake with pip's words where it cannot."""
    folder = ENVIRONMENTS / peer
    venv.create(folder, clear=True, with_pip=True)
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    _install(peer, ENGINE)  # a check more than an installation: pip sees the shared one
    _install(peer, "--no-deps", PEERS[peer])
    _install(peer, *NEEDS[peer])
    (folder / "installed").touch()


def _install(peer: str, *words: str) -> None:
    command = [str(python(peer)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Mistake(f"pip could not install {' '.join(words)} into .envs/{peer}: {done.stderr.strip()}")


def main() -> None:
    wanted = sys.argv[1:] or [peer for peer in PEERS if not is_ready(peer)]
    for peer in wanted:
        if peer not in PEERS:
            raise SystemExit(f"{peer} is not one of {', '.join(PEERS)}")
        sys.stderr.write(f"making .envs/{peer} ...\n")
        try:
            make(peer)
        except Mistake as mistake:
            raise SystemExit(str(mistake)) from None


if __name__ == "__main__":
    main()
