"""A translation server over HTTP: LibreTranslate's dialect, and DeepL's; one process, no torch."""
