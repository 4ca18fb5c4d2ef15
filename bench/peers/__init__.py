"""One script a tool, each run by its own environment's Python and printing one line of JSON."""
