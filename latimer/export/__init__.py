"""A trained model in the formats of other systems, one file a format: see each for what it can say."""
