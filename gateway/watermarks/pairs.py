"""The pair table: which words of a model's vocabulary carry the mark, two by two. Public knowledge, no secret.

Both words of a pair are about equally frequent and each is one token of the model, so that favouring one of them shifts
little, and favouring them by an account's signs leaves no account's text looking different from another's on average.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from gateway.watermarks import words

FORMAT: Final = 1
MOST_PAIRS: Final = 1024
"""As many as there are `logit_bias` entries where servers take the most (vLLM)."""
MOST_BYTES: Final = 1 << 20


class BadTable(ValueError):  # noqa: N818 - named for what it is about
    """A file that is no pair table; the message names the place and what was expected."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words, their tokens, and how often each is expected: occurrences in a million words of unmarked text."""

    first: str
    second: str
    first_token: int
    second_token: int
    first_rate: float
    second_rate: float

    @property
    def tokens(self) -> tuple[int, int]:
        """By the side that favours them: − the second, + the first."""
        return self.second_token, self.first_token


@dataclass(frozen=True)
class PairTable:
    """Pairs, the most frequent first. The order is part of the mark: a pair's place decides its bucket.

    Raises BadTable for more pairs than there are buckets, and for a word or token that stands there twice.
    """

    model: str
    """Whose vocabulary it is, for people."""
    pairs: tuple[Pair, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.pairs) <= MOST_PAIRS:
            raise BadTable(f"expected 1 to {MOST_PAIRS} pairs, found {len(self.pairs)}")
        if len({word for pair in self.pairs for word in (pair.first, pair.second)}) < 2 * len(self.pairs):
            raise BadTable("a word stands in two places")
        if len(self.tokens) < 2 * len(self.pairs):
            raise BadTable("a token stands in two places")

    @cached_property
    def tokens(self) -> frozenset[int]:
        """All tokens of either side. Which side is favoured is the secret; that a token is among these is not."""
        return frozenset(token for pair in self.pairs for token in (pair.first_token, pair.second_token))

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each word stands: twice its pair's number, and one more for the second word."""
        words_of = enumerate((pair.first, pair.second) for pair in self.pairs)
        return {word: 2 * at + side for at, both in words_of for side, word in enumerate(both)}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the table means, in hex: part of the commitment, and of every report."""
        return sha256(_written(self)).hexdigest()


def read_table(path: Path) -> PairTable:
    """Read a table. Raises BadTable with the file's name, OSError where it cannot be read."""
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    try:
        if len(raw) > MOST_BYTES:
            raise BadTable(f"larger than {MOST_BYTES} bytes")
        return _table(json.loads(raw))
    except ValueError as error:
        raise BadTable(f"{path.name}: {error}") from None


def write_table(path: Path, table: PairTable) -> None:
    path.write_bytes(_written(table) + b"\n")


def _written(table: PairTable) -> bytes:
    rows = [
        [p.first, p.second, p.first_token, p.second_token, round(p.first_rate, 3), round(p.second_rate, 3)]
        for p in table.pairs
    ]
    document = {"format": FORMAT, "words": words.VERSION, "model": table.model, "pairs": rows}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _table(document: Any) -> PairTable:
    if not isinstance(document, dict) or document.keys() != {"format", "words", "model", "pairs"}:
        raise BadTable("expected an object with format, words, model and pairs: make it with `gateway watermark pairs`")
    if document["format"] != FORMAT or document["words"] != words.VERSION:
        raise BadTable(f"expected format {FORMAT} and words {words.VERSION}: make it again with this version")
    if not isinstance(document["model"], str) or not isinstance(document["pairs"], list):
        raise BadTable("expected a name under model and a list under pairs")
    return PairTable(document["model"], tuple(_pair(row, at) for at, row in enumerate(document["pairs"])))


def _pair(row: Any, at: int) -> Pair:
    match row:
        case [str(first), str(second), int(first_token), int(second_token), int() | float(), int() | float()]:
            rates = float(row[4]), float(row[5])
        case _:
            raise BadTable(f"pair {at}: expected [word, word, token, token, rate, rate]")
    if not all(words.read_words(word).words == [word] for word in (first, second)):
        raise BadTable(f"pair {at}: expected two words as they stand in a text")
    if min(first_token, second_token) < 0 or not all(0 <= rate <= 1e6 for rate in rates):
        raise BadTable(f"pair {at}: expected tokens from 0 on and rates of 0 to 1,000,000")
    return Pair(first, second, first_token, second_token, *rates)
