"""Which of a model's upstreams speak a dialect, and what sorts of them there are: worked out once, not per request."""

from collections.abc import Collection, Iterable
from typing import Final

from gateway.upstreams.settings import UpstreamSettings

Sort = tuple[str, bool]
"""A kind of upstream, and whether it passes fields on that no table lists: all that field tables go by."""


class Speakers:
    """Some upstreams in the order of the model's list."""

    __slots__ = ("_settings", "kinds", "names", "sorts")

    def __init__(self, settings: Iterable[UpstreamSettings]) -> None:
        self._settings: Final = tuple(settings)
        self.names: Final = tuple(one.name for one in self._settings)
        self.kinds: Final = frozenset(one.kind for one in self._settings)
        self.sorts: Final = tuple(dict.fromkeys(_sort(one) for one in self._settings))

    def of(self, dialect: str) -> "Speakers":
        return Speakers(one for one in self._settings if dialect in one.dialects)

    def without(self, sorts: Collection[Sort]) -> "Speakers":
        return Speakers(one for one in self._settings if _sort(one) not in sorts)


def _sort(settings: UpstreamSettings) -> Sort:
    return settings.kind, settings.pass_unknown
