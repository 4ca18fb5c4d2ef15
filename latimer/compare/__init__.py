"""Models compared fairly: an equal budget, the same data and test lines, several seeds; one report.

plan.py      what is asked for, and the manifest that it is made again from
data.py      the pairs, laid out once for all models
runs.py      training in turn, going on where it was stopped
measure.py   what a finished run is worth, and how fast the models are
report.py    from outcomes to numbers
"""
