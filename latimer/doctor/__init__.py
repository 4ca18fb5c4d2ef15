"""The data doctor: what is wrong with sentence pairs, and what remains when it is mended.

rules.py says what is wrong with one pair, mending.py what can be put right in a text, memory.py what stands
twice, languages.py, shifts.py and terms.py what only the whole corpus tells, fitting.py what a model says;
check.py reports it, as diagnosis.py tells it; clean.py applies it.
"""
