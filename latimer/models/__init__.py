"""Encoders and decoders behind one contract; `build` makes a model from its configuration."""
