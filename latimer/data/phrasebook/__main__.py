"""``python -m latimer.data.phrasebook``: rebuilds the shipped parts beside this file."""

from pathlib import Path

from latimer.data.phrasebook.make import write

write(Path(__file__).parent)
