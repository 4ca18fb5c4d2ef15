"""Engines that run a trained model, all behind one contract (engine.py)."""
