"""What an unquoted scalar means: only what looks like a decimal number, a boolean or nothing is one."""

import re
from typing import Any, Final

_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,39})")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,39})?(\.[0-9]{0,40})?([eE][-+]?[0-9]{1,4})?")
_NAMED: Final[dict[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def plain(text: str) -> Any:
    """What an unquoted scalar means. Only decimal numbers are numbers: 007, 0x1f, 1_000 and 1:30 stay text."""
    if text in _NAMED:
        return _NAMED[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    match = _FLOAT.fullmatch(text)
    if match and any(digit in "0123456789" for digit in (match[1] or "") + (match[2] or "")):
        return float(text)
    return text
