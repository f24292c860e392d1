"""What came of forwarding: an answer under way, or a refusal, each with the attempts it took."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.core.refusal import Refusal
from gateway.upstreams.base import Answer
from gateway.upstreams.settings import UpstreamSettings


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request sent, or tried to be sent. `outcome` is one of answered, stale, unreachable, timeout, broken,

    busy, failed, rejected, credentials, cancelled.
    """

    upstream: str
    outcome: str


@dataclass(slots=True, init=False)
class Forwarded:
    """An upstream's 2xx answer.

    Whoever holds it finishes or aborts `answer` and then calls `release` exactly once: True when the whole
    answer came, False when the upstream broke it off or was too slow, None when it was not the upstream's doing
    (the caller left, a budget ended the stream). Until then the upstream counts it as outstanding. A second
    call does nothing.
    """

    settings: UpstreamSettings
    answer: Answer
    attempts: tuple[Attempt, ...]
    _secrets: Mapping[str, str]
    _names: Mapping[str, str]
    _release: Callable[[bool | None], None] | None

    # Written out, as Exchange is.
    def __init__(
        self,
        settings: UpstreamSettings,
        answer: Answer,
        attempts: tuple[Attempt, ...],
        *,
        secrets: Mapping[str, str],
        names: Mapping[str, str],
        release: Callable[[bool | None], None] | None,
    ) -> None:
        self.settings = settings
        self.answer = answer
        self.attempts = attempts
        self._secrets = secrets
        self._names = names
        self._release = release

    @property
    def hide(self) -> Mapping[str, str]:
        """Words that no caller may read in what the upstream says, and what to put in their place."""
        return {**self._secrets, **self._names}

    @property
    def upstream(self) -> str:
        return self.settings.name

    def release(self, ok: bool | None) -> None:
        release, self._release = self._release, None
        if release is not None:
            release(ok)


@dataclass(slots=True)
class NotForwarded:
    """No upstream answered with 2xx. The refusal is in our own words."""

    refusal: Refusal
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """One upstream as operators see it."""

    name: str
    healthy: bool
    outstanding: int
