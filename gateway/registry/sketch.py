"""The sketch of an answer: a few of the keyed hashes of its grams, in the order of the text.

Winnowing (Schleimer, Wilkerson, Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003): of
every eight grams in a row the one with the smallest hash is kept, the last one of equals. So any run of 8 + 5 − 1 = 12
words holds at least one kept gram, and 2 of 9 grams are kept: 83 for an answer of 500 tokens. A searcher hashes all
grams of its text, so whatever was kept of a copied passage is found.

A bottom-k sample of the whole text would cost bytes and add nothing: the smallest hash of all is the smallest in
its window too, so the sample is, but for grams that stand close together, the smallest of what is kept here.
"""

import hmac
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from gateway.registry.grams import SLICE, Grams, gathering
from gateway.registry.units import VERSION, WORD

HASH_BYTES: Final = 5
WINDOW: Final = 8 * WORD
"""Half words."""
MOST: Final = 0xFFFF
"""Fingerprints that are kept of one answer: about 300,000 words."""
_LABEL: Final = b"excise registry fingerprints, version %d" % VERSION


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of a text."""

    words: int
    fingerprints: bytes
    """`HASH_BYTES` each, in the order of the text."""

    def __len__(self) -> int:
        return len(self.fingerprints) // HASH_BYTES


class Hasher:
    """Keyed BLAKE2b (RFC 7693), 40 bits. Without the key nobody can tell which words a fingerprint stands for."""

    __slots__ = ("_keyed",)

    def __init__(self, root: bytes, salt: bytes) -> None:
        """The key is made of the master's and of the folder's salt: without either no fingerprint can be made."""
        key = hmac.digest(root, _LABEL + salt, "sha256")
        self._keyed = blake2b(key=key, digest_size=HASH_BYTES)

    def of(self, gram: bytes) -> bytes:
        hashed = self._keyed.copy()
        hashed.update(gram)
        return hashed.digest()


def sketch(text: str, hasher: Hasher, prompt: str = "") -> Sketch:
    """All at once."""
    work = sketching(text, hasher, prompt)
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: Sketch = done.value
            return result


def sketching(text: str, hasher: Hasher, prompt: str = "") -> Generator[None, None, Sketch]:
    """The same in slices, so that a pause at each `yield` lets others run: 0.1 ms of English, under 1 ms of anything.

    Grams that the prompt holds too are not kept: who pastes a text and has it repeated was not served it by us.
    """
    grams = Grams()
    for grams in gathering(text):  # noqa: B007 - the last one is complete
        yield
    known = yield from _shared(grams, prompt)
    kept: list[bytes] = []
    rising: deque[tuple[bytes, int]] = deque()
    places = grams.places
    last = -1
    for number, gram in enumerate(grams.grams):
        if number % SLICE == SLICE - 1:
            yield
        if gram not in known:
            hashed = hasher.of(gram)
            while rising and rising[-1][0] >= hashed:
                rising.pop()
            rising.append((hashed, number))
        grams.drop(number)
        here = places[number]
        while rising and here - places[rising[0][1]] >= WINDOW:
            rising.popleft()
        if rising and rising[0][1] != last and here >= WINDOW - WORD:
            last = rising[0][1]
            kept.append(rising[0][0])
    if not kept and rising:  # shorter than a window
        kept.append(rising[0][0])
    return Sketch(grams.words, b"".join(kept[:MOST]))


def _shared(grams: Grams, prompt: str) -> Generator[None, None, set[bytes]]:
    """Grams of the answer that the prompt has too. Memory is the answer's, whatever the prompt's length."""
    shared: set[bytes] = set()
    if not prompt:
        return shared
    own: set[bytes] = set()
    for start in range(0, len(grams.grams), 4 * SLICE):
        own.update(grams.grams[start : start + 4 * SLICE])
        yield
    for asked in gathering(prompt):
        shared |= own.intersection(asked.grams)
        asked.forget()
        yield
    return shared
