"""Text as people have it: sentences of a text, HTML and documents translated, everything else byte for byte.

Nothing here knows a model: whatever is called `translate` takes a list of segments and gives as many back.
"""

from latimer.documents.blocks import Translate
from latimer.documents.formats import FORMATS, translate_document, translate_html, translate_text

__all__ = ["FORMATS", "Translate", "translate_document", "translate_html", "translate_text"]
