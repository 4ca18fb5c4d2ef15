"""`python -m latimer`."""

from latimer.cli.main import run

run()
