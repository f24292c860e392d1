"""Passive health of one upstream: a pure state machine that learns from real traffic only. Probes cost tokens."""

from collections.abc import Callable
from typing import Final

THRESHOLD: Final = 3
FIRST_BACKOFF_S: Final = 1.0
MAX_BACKOFF_S: Final = 30.0
MAX_PAUSE_S: Final = 60.0
SUSPECT_S: Final = 30.0


class Breaker:
    """Closed, open until a time, or half-open with one probe under way.

    Failures (unreachable, broken, too slow, 502 to 504) open it after `THRESHOLD` in a row, for a backoff that
    doubles. A pause is what the upstream asked for itself and is no failure: for one model (429) or for everything
    (529 or 503 with Retry-After). A suspect upstream refused our own credential or said 500 `THRESHOLD` times in a
    row: others are preferred, for it fails fast and would draw all traffic; alone, it is still asked, since a 500 is
    about one request and a caller who knows how to provoke it must not be able to shut out the others.
    `jitter` gives numbers in [0, 1). Every `now` is a reading of one monotonic clock, in seconds.
    """

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._failures = 0
        self._backoff = FIRST_BACKOFF_S
        self._open_until: float | None = None
        self._probing = False
        self._stumbles = 0
        self._paused_until: dict[str, float] = {}
        self._suspect_until = 0.0

    @property
    def open(self) -> bool:
        """Whether failures keep traffic away (a probe may be under way)."""
        return self._open_until is not None

    def wait(self, now: float, model: str = "") -> float | None:
        """Seconds until a request may be sent: 0 now, None while a probe has to come back first."""
        if self._open_until is None and not self._paused_until:
            return 0.0
        pause = self._pause(model) - now
        if self._open_until is None:
            return max(0.0, pause)
        if self._probing:
            return None
        return max(0.0, self._open_until - now, pause)

    def paused(self, now: float, model: str = "") -> bool:
        return self._pause(model) > now

    def _pause(self, model: str) -> float:
        if not self._paused_until:
            return 0.0
        return max(self._paused_until.get("", 0.0), self._paused_until.get(model, 0.0))

    def suspect(self, now: float) -> bool:
        return self._suspect_until > now

    def claim(self) -> None:
        """A request is about to be sent; while open it is the probe."""
        self._probing = self._open_until is not None

    def answered(self) -> None:
        """The upstream answers sensibly again: a probe need not wait for the end of a long stream."""
        if self._open_until is not None:
            self._open_until = None
            self._probing = False
            self._failures = 0
            self._backoff = FIRST_BACKOFF_S

    def succeeded(self) -> None:
        """A whole exchange went well."""
        if self._open_until is not None:
            self.answered()
        self._failures = self._stumbles = 0

    def stumbled(self, now: float) -> None:
        """The upstream answered 500: it is there, but something is wrong with it or with the request."""
        self.answered()
        self._stumbles += 1
        if self._stumbles >= THRESHOLD:
            self._suspect_until = now + SUSPECT_S

    def failed(self, now: float) -> None:
        """An exchange failed by the upstream's fault."""
        self._failures += 1
        if self._probing:
            self._probing = False
            self._backoff = min(MAX_BACKOFF_S, self._backoff * 2)
        elif self.open or self._failures < THRESHOLD:
            # Requests that left before it opened say nothing new.
            return
        self._open_until = now + self._backoff * (1.0 - 0.2 * self._jitter())

    def forget(self) -> None:
        """A request ended without telling anything (the caller left): the probe, if it was one, is free again."""
        self._probing = False

    def pause(self, now: float, seconds: float, model: str = "") -> None:
        """The upstream asked to be left alone, with one of its models or ("") altogether.

        It is alive, so a probe that hears this has succeeded.
        """
        self.answered()
        until = max(self._paused_until.get(model, 0.0), now + min(seconds, MAX_PAUSE_S))
        self._paused_until[model] = until

    def doubt(self, now: float) -> None:
        """The upstream refused our credential."""
        self.answered()
        self._suspect_until = now + SUSPECT_S
