"""Text as people have it: sentences of a text, HTML and documents translated, everything else byte for byte.

Nothing here knows a model: whatever is called `translate` takes a list of segments and gives as many back.
"""

from latimer.documents.blocks import Translate
from latimer.documents.formats import (
    DOCUMENT_LIMIT,
    FORMATS,
    kind_of,
    translate_document,
    translate_html,
    translate_text,
)
from latimer.documents.inline import without_placeholders
from latimer.documents.sentences import LIMIT

__all__ = [
    "DOCUMENT_LIMIT",
    "FORMATS",
    "LIMIT",
    "Translate",
    "kind_of",
    "translate_document",
    "translate_html",
    "translate_text",
    "without_placeholders",
]
