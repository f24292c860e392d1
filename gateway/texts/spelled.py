"""Words written letter by letter: h i d d e n, h.i.d.d.e.n, h-i-d-d-e-n. Four letters in a row at least."""

import re
from typing import Final

from gateway.texts.folding import SEAM

_SEPARATORS: Final = " ._*~/|+,:'\"`-" + SEAM
_BETWEEN: Final = f"[{re.escape(_SEPARATORS)}]{{1,3}}"
_LETTER: Final = "[a-z\u0080-\u0dff]"
_NO_WORD: Final = r"[^0-9a-z\x{80}-\x{10ffff}]"

SPELLED: Final = rf"{_NO_WORD}[a-z\x{{80}}-\x{{dff}}](?:{_BETWEEN}[a-z\x{{80}}-\x{{dff}}]){{3}}{_NO_WORD}"
"""For RE2: some word of the form is written so."""

# Nothing is tried twice, so time stays linear.
_ROW: Final = re.compile(rf"(?<![^\W_]){_LETTER}(?:{_BETWEEN}+{_LETTER}(?![^\W_])){{3,}}+")
_GONE: Final = str.maketrans("", "", _SEPARATORS)


def respelled(form: str) -> tuple[str, str]:
    """The form with each row of letters as one word, and these words alone, a line each.

    In a row nobody knows where one word ends and the next begins.
    """
    rows = []

    def one(row: re.Match[str]) -> str:
        rows.append(row[0].translate(_GONE))
        return rows[-1]

    return _ROW.sub(one, form), "\n".join(rows)
