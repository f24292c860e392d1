"""From a text, as it is found anywhere, to its words: the same words however the text was dressed.

Both sides read texts through this one function, so its rules are part of the scheme: any change is a new `VERSION`.
Compatibility forms and invisible characters make no difference (Unicode NFKC, UAX #44 Default_Ignorable_Code_Point),
nor do Markdown's emphasis and quotation marks. Code and addresses are no prose and are left out.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from gateway.core.prompts import piled, utf8

VERSION: Final = 1

# Possessive where a long line of signs would else be tried again from each of them.
_FENCED: Final = re.compile(r"^[ \t>]*+(`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ \t>]*+\1[^\n]*+$|\Z)", re.DOTALL | re.MULTILINE)
_INLINE: Final = re.compile(r"`[^`\n]{1,400}`")
_ADDRESS: Final = re.compile(r"\b(?:https?://|www\.)[^\s<>)\]]+|\b[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DRESS: Final = str.maketrans("’ʼ＇", "'''", '*_~"“”„«»#>|')
_WORD: Final = re.compile(r"(?<!\S)[(\[]?([^\W\d_]+(?:'[^\W\d_]+)*)(?![\w'])")


class Words(NamedTuple):
    """The words of a text in their order, and how many pieces of it were no prose."""

    words: list[str]
    left_out: int
    """Blocks of code, inline code and addresses."""


def read_words(text: str) -> Words:
    """Words that begin after white space, as a model writes them: letters, with apostrophes inside; case is kept.

    Time is linear in the text. The second half of a compound ("known" in "well-known") is no word: no model's token
    for the word alone stands there.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        # A pile of combining marks is no text that a model wrote, and composing it takes time squared.
        text = text if piled(utf8(text)) else unicodedata.normalize("NFKC", text)
        text = _INVISIBLE.sub("", text)
    left_out = 0
    for pattern in (_FENCED, _INLINE, _ADDRESS):
        text, found = pattern.subn(" ", text)
        left_out += found
    return Words(_WORD.findall(text.translate(_DRESS)), left_out)
