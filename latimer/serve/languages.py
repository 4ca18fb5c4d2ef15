"""Codes and names of languages, as clients spell them."""

_ALIASES = {"zh-hans": "zh", "zh-cn": "zh", "zh-hant": "zt", "zh-tw": "zt", "pt-br": "pb"}
NAMES = {
    line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1]
    for line in """
    af Afrikaans;am Amharic;ar Arabic;az Azerbaijani;be Belarusian;bg Bulgarian;bn Bengali;br Breton
    bs Bosnian;ca Catalan;cs Czech;cy Welsh;da Danish;de German;el Greek;en English;eo Esperanto
    es Spanish;et Estonian;eu Basque;fa Persian;fi Finnish;fo Faroese;fr French;fy Western Frisian
    ga Irish;gd Scottish Gaelic
    gl Galician;gu Gujarati;ha Hausa;he Hebrew;hi Hindi;hr Croatian;ht Haitian;hu Hungarian;hy Armenian
    id Indonesian;ig Igbo;is Icelandic;it Italian;ja Japanese;jv Javanese;ka Georgian;kk Kazakh;km Khmer
    kn Kannada;ko Korean;ku Kurdish;ky Kyrgyz;la Latin;lb Luxembourgish;lo Lao;lt Lithuanian;lv Latvian
    mg Malagasy;mi Maori;mk Macedonian;ml Malayalam;mn Mongolian;mr Marathi;ms Malay;mt Maltese;my Burmese
    nb Norwegian Bokmål;ne Nepali;nl Dutch;nn Norwegian Nynorsk;no Norwegian;oc Occitan;pa Punjabi
    pb Portuguese (Brazil);pl Polish;ps Pashto;pt Portuguese;qu Quechua;ro Romanian;ru Russian;rw Kinyarwanda
    sa Sanskrit;sd Sindhi;se Northern Sami;si Sinhala;sk Slovak;sl Slovenian;sn Shona;so Somali;sq Albanian
    sr Serbian;su Sundanese;sv Swedish;sw Swahili;ta Tamil;te Telugu;tg Tajik;th Thai;tk Turkmen;tl Tagalog
    tr Turkish;tt Tatar;ug Uyghur;uk Ukrainian;ur Urdu;uz Uzbek;vi Vietnamese;xh Xhosa;yi Yiddish;yo Yoruba
    zh Chinese;zt Chinese (traditional);zu Zulu
    """.replace(";", "\n")
    .strip()
    .splitlines()
    if line.strip()
}
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


def name_of(code: str) -> str:
    """In English; the code itself where we know none."""
    return NAMES.get(code) or NAMES.get(code.partition("-")[0]) or code
