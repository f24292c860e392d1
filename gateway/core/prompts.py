"""Prompts as identities: a canonical text, and a keyed fingerprint of it that cannot be turned back."""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import re2

MAX_CANONICAL: Final = 1 << 16
"""Bytes of UTF-8. Longer texts are only stripped: folding one of 64 KiB takes a millisecond, one of 10 MiB a stall."""
MAX_NORMALISED: Final = 1 << 13
"""Bytes of UTF-8. Longer texts keep their compatibility forms, which are looked up character by character."""

MAX_HASHED: Final = 1 << 17
"""Characters of a longer text that are hashed, from each end: a tenth of a millisecond or so."""

# Nothing that is seen: soft hyphen, zero-width space and joiners, word joiner, direction marks, byte order mark. A
# joiner carries meaning in some scripts, but two prompts that differ by nothing else are one prompt here.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe0f\ufeff]"
)
# Sorting a pile of marks takes time quadratic in its height: half a second for 64 KiB. No language piles up more than
# 30 (Unicode Standard Annex 15, Stream-Safe Text Format).
_PILE: Final = re2.compile(r"\pM{31}")
# The one character that stands for a whole sentence, 18 letters long.
_SENTENCE: Final = "\ufdfa"
_MANY_SENTENCES: Final = 32
# What `casefold` and `split` make of ASCII: small letters, and a space for all that Unicode calls white space.
_FOLDED: Final = bytes(
    0x20 if chr(code).isspace() else ord(chr(code).lower()) if code < 0x80 else code for code in range(256)
)


def canonical(text: str) -> str:
    """The text without differences that nobody means: compatibility forms (NFKC), case, spacing, the invisible.

    One or two milliseconds at the most, whatever the text: what would cost more is left as it is.
    """
    if len(text) > MAX_CANONICAL:
        return text.strip()
    if text.isascii():
        return _folded(text).decode()
    if len(utf8(text)) > MAX_CANONICAL:
        return text.strip()
    text = _INVISIBLE.sub("", text)
    if _cheap(text):
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def fingerprint(text: str, key: bytes) -> int:
    """64 bits of keyed BLAKE2b (RFC 7693) over the canonical text; `key` has 1 to 64 bytes.

    Without the key nobody can find a text for a fingerprint, nor two texts for one. Of a text of more than 256 Ki
    characters both ends and the length count.
    """
    if len(text) > 2 * MAX_HASHED:
        text = f"{text[:MAX_HASHED]}{len(text)}{text[-MAX_HASHED:]}"
    data = _folded(text) if text.isascii() and len(text) <= MAX_CANONICAL else utf8(canonical(text))
    hashed = _keyed(key).copy()
    hashed.update(data)
    return int.from_bytes(hashed.digest(), "big")


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> blake2b:
    """The hash of nothing yet; a copy of it has read the key already."""
    return blake2b(digest_size=8, key=key)


def _folded(text: str) -> bytes:
    """ASCII in small letters, with single spaces between words: what the general way does, without making words."""
    data = text.encode().translate(_FOLDED)
    while b"  " in data:
        # Halves every run of spaces: a run as long as the whole text is gone after sixteen rounds.
        data = data.replace(b"  ", b" ")
    return data.strip(b" ")


def _cheap(text: str) -> bool:
    data = utf8(text)
    return len(data) <= MAX_NORMALISED and text.count(_SENTENCE) <= _MANY_SENTENCES and not piled(data)


def piled(data: bytes) -> bool:
    """Whether the text (UTF-8) holds marks so many on one letter that normalising it is dear."""
    return _PILE.search(data) is not None


def utf8(text: str) -> bytes:
    """JSON may bring half surrogates; they count as characters like others."""
    return text.encode("utf-8", "surrogatepass")
