"""Search: it selects rows of a nest and knows nothing of who made it."""
