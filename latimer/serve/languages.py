"""Codes and names of languages, as clients spell them."""

_ALIASES = {"zh-hans": "zh", "zh-cn": "zh", "zh-hant": "zt", "zh-tw": "zt", "pt-br": "pb"}
SCRIPTS = {  # of those not written in Latin letters, as the names of the letters begin
    "CYRILLIC": "be bg kk ky mk mn ru sr tg tt uk",
    "ARABIC": "ar fa ps sd ug ur",
    "HEBREW": "he yi",
    "GREEK": "el",
    "CJK": "ja zh zt",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "DEVANAGARI": "hi mr ne sa",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am",
    "BENGALI": "bn",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
}


def canonical(code: str) -> str:
    """One spelling of a code, whatever its case: zh-Hans is zh, pt-BR is pb."""
    code = code.strip().lower().replace("_", "-")
    return _ALIASES.get(code, code)
