r"""JSON text in an answer: a tool call's arguments may spell any character as an escape.

Model servers write `\u0444` where the model meant a letter. Text with backslashes is therefore also matched as it
reads after decoding; what is plain text with a backslash in it is matched as it stands as well.
"""

import re
from typing import Final

_ESCAPE: Final = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SHORT: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
LONGEST: Final = 6
"""Characters of one escape."""


def unescaped(text: str) -> str:
    """Decode the escapes of JSON strings (RFC 8259, section 7); a broken or unfinished one stays as it is."""
    return paired(_ESCAPE.sub(_decoded, text))


def paired(text: str) -> str:
    """The text with halves of a character that stand side by side made one."""
    if text.isascii() or not any("\ud800" <= letter <= "\udbff" for letter in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _decoded(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code, 16)) if code else _SHORT[match[2]]
