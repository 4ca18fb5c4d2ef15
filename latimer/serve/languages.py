"""Codes of languages, as clients spell them."""

_ALIASES = {"zh-hans": "zh", "zh-cn": "zh", "zh-hant": "zt", "zh-tw": "zt", "pt-br": "pb"}


def canonical(code: str) -> str:
    """One spelling of a code, whatever its case: zh-Hans is zh, pt-BR is pb."""
    code = code.strip().lower().replace("_", "-")
    return _ALIASES.get(code, code)
