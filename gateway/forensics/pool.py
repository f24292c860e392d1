"""The documents of a corpus as one text: what no document shows alone may show in all of them together.

Repeats of a word count up to a bound (`contrast`), so the mark of a large pool is as strong as its words are many,
and a sample is as good as the whole. The sample is chosen by digest: by nothing that a key or a score has a part in.
"""

import heapq
import re
from typing import Final

MOST_CHARACTERS: Final = 16 << 20
"""Beyond this nothing is gained: about three million words. Memory: about 250 MB while they are read."""

_FENCE: Final = re.compile(r"^[ \t>]*(?:```+|~~~+)", re.MULTILINE)


class Pool:
    """The documents with the smallest digests, as far as there is room."""

    def __init__(self, most: int = MOST_CHARACTERS) -> None:
        self._most = most
        self._kept: list[tuple[int, int, str]] = []
        self._size = 0
        self.offered = 0

    def add(self, digest: str, text: str) -> None:
        """Take a document in; those with the largest digests make room."""
        self.offered += 1
        heapq.heappush(self._kept, (-int(digest, 16), self.offered, text))
        self._size += len(text)
        while self._size > self._most and len(self._kept) > 1:
            self._size -= len(heapq.heappop(self._kept)[2])

    def __len__(self) -> int:
        return len(self._kept)

    def text(self) -> str:
        return "\n\n".join(_closed(text) for _, _, text in sorted(self._kept, reverse=True))


def _closed(text: str) -> str:
    """Without a block of code that never ends: it would take the documents behind it along."""
    fences = [match.start() for match in _FENCE.finditer(text)]
    return text[: fences[-1]] if len(fences) % 2 else text
