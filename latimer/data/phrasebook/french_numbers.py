"""French numbers, clock times, dates and prices in words."""

_SMALL = (
    *("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze"),
    *("douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf"),
)
_TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante", 80: "quatre-vingt"}
MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)


def _below_hundred(n: int) -> str:
    if n < 20:
        return _SMALL[n]
    base = n - n % 10
    if base in (70, 90):
        base -= 10
    rest = n - base
    if rest == 0:
        return "quatre-vingts" if base == 80 else _TENS[base]
    if rest in (1, 11) and base != 80:
        return f"{_TENS[base]} et {_SMALL[rest]}"
    return f"{_TENS[base]}-{_SMALL[rest]}"


def number(n: int) -> str:
    """0 to 9999 in words, with the traditional hyphens. ValueError outside."""
    if not 0 <= n <= 9999:
        raise ValueError(f"number between 0 and 9999, not {n}")
    thousands, rest = divmod(n, 1000)
    hundreds, rest = divmod(rest, 100)
    parts = []
    if thousands:
        parts.append("mille" if thousands == 1 else f"{_SMALL[thousands]} mille")
    if hundreds:
        plural = "s" if hundreds > 1 and not rest else ""
        parts.append("cent" if hundreds == 1 else f"{_SMALL[hundreds]} cent{plural}")
    if rest or not parts:
        parts.append(_below_hundred(rest))
    return " ".join(parts)


def feminine_number(n: int) -> str:
    """As ``number``, before a feminine noun: "vingt et une"."""
    words = number(n)
    return words + "e" if words == "un" or words.endswith((" un", "-un")) else words


def _hour(hour: int) -> str:
    hour %= 24
    if hour in (0, 12):
        return "minuit" if hour == 0 else "midi"
    hour %= 12
    return "une heure" if hour == 1 else f"{_SMALL[hour]} heures"


def clock(hour: int, minute: int) -> str:
    """The time as spoken on a 12-hour face: "huit heures et demie", "midi", "trois heures dix"."""
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise ValueError(f"no time of day: {hour}:{minute:02}")
    this, following = _hour(hour), _hour(hour + 1)
    match minute:
        case 0:
            return this
        case 15:
            return f"{this} et quart"
        case 30:
            return f"{this} et demi" if hour in (0, 12) else f"{this} et demie"
        case 45:
            return f"{following} moins le quart"
        case 35 | 40 | 50 | 55:
            return f"{following} moins {number(60 - minute)}"
    return f"{this} {feminine_number(minute)}"


def date(day: int, month: int) -> str:
    """ "le premier mai", "le vingt et un juin"."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError(f"no day of the year: {day}/{month}")
    return f"le {'premier' if day == 1 else number(day)} {MONTHS[month - 1]}"


def price(euros: int, cents: int = 0) -> str:
    """ "trois euros cinquante", "un euro", "vingt centimes"."""
    if euros == 0 and cents:
        return "un centime" if cents == 1 else f"{number(cents)} centimes"
    words = f"{number(euros)} euro{'s' if euros > 1 else ''}"
    return f"{words} {number(cents)}" if cents else words
