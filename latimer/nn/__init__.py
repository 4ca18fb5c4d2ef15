"""Layers: they know nothing of models, data or configuration."""
