"""French sounds at word borders: which words begin with a vowel, and what elides before them."""

# Words with h aspiré (or another start that refuses elision), by their beginnings.
_CLOSED = (
    *("hibou", "héros", "haricot", "hall", "hasard", "haut", "homard", "hockey", "honte", "huit", "hutte"),
    *("hamburger", "handball", "hache", "haie", "harpe", "hérisson", "hamster", "hollandais", "hongrois"),
    *("hamac", "hangar", "hors", "housse", "hors-d'œuvre", "hanche", "hauteur", "heurt", "hisser", "hurl"),
    *("onze", "onzième", "oui", "yaourt", "yoga", "yacht", "hollande", "hongrie", "havre"),
)
# Words that begin like one of the above and elide all the same.
_OPEN = ("héroïne", "héroïque", "héroïsme", "ouïe")
_ELIDING = {"je", "me", "te", "se", "le", "la", "de", "ne", "que", "jusque", "lorsque", "puisque", "quoique"}
_VOWELS = "aàâäeéèêëiîïoôöuùûüœæ"


def opens_with_vowel(text: str) -> bool:
    """Whether the first word lets the word before it elide: "homme", "y", "école", but not "hibou"."""
    word = text.casefold().split(" ")[0].strip(",.?!")
    if not word:
        return False
    if word.startswith(_CLOSED) and not word.startswith(_OPEN):
        return False
    if word[0] == "y":
        return word in ("y", "yeux", "yves", "yvonne")
    return word[0] in _VOWELS or word[0] == "h"


def elide(word: str, following: str) -> str:
    """``word`` and ``following`` with what elision asks between them: "qu'il", "s'il", "le hibou", "c'est".

    ``word`` may be several words, of which the last elides: "parce que" gives "parce qu'il".
    """
    head, _, last = word.rpartition(" ")
    head = head + " " if head else ""
    low = last.casefold()
    if low == "si":
        elides = following.split(" ")[0] in ("il", "ils")
    elif low == "ce":
        elides = following[:1] in "eé" and following != ""
    else:
        elides = low in _ELIDING and opens_with_vowel(following)
    return f"{head}{last[:-1]}'{following}" if elides else f"{head}{last} {following}"
