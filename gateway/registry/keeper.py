"""The writers of one replica: one for each epoch under way, opened when its first answer comes, closed when it is over.

Blocking throughout: a worker thread's work, one call at a time.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gateway.registry.records import Document
from gateway.registry.sketch import Hasher, Sketch
from gateway.registry.writer import Writer

Entry = tuple[Document, Sketch]
MOST_OPEN: Final = 2
"""Epochs overlap by a day at most, so an answer belongs to one of the two that were begun last."""


class Keeper:
    """Writes sketches to REGISTRY/<instance>/<epoch>."""

    def __init__(self, folder: Path, instance: str, root_of: Callable[[str], bytes]) -> None:
        """`root_of` is the epoch's registry key."""
        self._folder = folder / instance
        self._root_of = root_of
        self._writers: dict[str, Writer] = {}
        self._until_ms: dict[str, int] = {}

    def hasher(self, epoch: str, until_ms: int) -> Hasher:
        """What this epoch's sketches are made with. Raises RegistryUnavailable."""
        return self._writer(epoch, until_ms).hasher

    def append(self, epoch: str, until_ms: int, entries: Sequence[Entry]) -> None:
        """Write and make durable. Raises RegistryUnavailable; entries before the one that failed are kept."""
        writer = self._writer(epoch, until_ms)
        for document, sketch in entries:
            writer.append(document, sketch)
        writer.sync()

    def let_go(self, now_ms: int) -> None:
        """Close the writers of epochs that are over: what is open cannot be shredded. A late answer opens one again.

        Raises RegistryUnavailable.
        """
        for epoch in [epoch for epoch, until_ms in self._until_ms.items() if until_ms <= now_ms]:
            self._close(epoch)

    def close(self) -> None:
        """Raises RegistryUnavailable."""
        for epoch in [*self._writers]:
            self._close(epoch)

    def _close(self, epoch: str) -> None:
        del self._until_ms[epoch]
        self._writers.pop(epoch).close()

    def _writer(self, epoch: str, until_ms: int) -> Writer:
        writer = self._writers.get(epoch)
        if writer is None:
            writer = self._writers[epoch] = Writer(self._folder / epoch, until_ms, self._root_of(epoch))
            self._until_ms[epoch] = until_ms
            for oldest in [*self._writers][:-MOST_OPEN]:
                self._close(oldest)
        return writer
