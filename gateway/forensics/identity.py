"""What names an input: its bytes, for the record; and its words, so that a space more or less makes no new text."""

from collections.abc import Iterable
from hashlib import sha256


def text_digest(text: str) -> str:
    """SHA-256 of the text as UTF-8, in hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def words_digest(words: Iterable[str]) -> str:
    """SHA-256 of a text's words (`read_words`) in lower case, in hex: the ledger of runs knows a text by it."""
    return sha256("\n".join(words).casefold().encode("utf-8", "surrogatepass")).hexdigest()


def set_digest(digests: Iterable[str]) -> str:
    """SHA-256 of digests in sorted order: a corpus is the same whatever the order of its documents."""
    return sha256("\n".join(sorted(digests)).encode()).hexdigest()
