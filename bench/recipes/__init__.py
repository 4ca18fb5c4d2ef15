"""The peers' whole trainings, each run by its own interpreter; started by `bench.quality`."""
