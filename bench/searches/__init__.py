"""The peers' own search, each in its own environment, on a Transformer that nobody trained."""
