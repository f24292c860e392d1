"""The Events port: what lower rooms report becomes a count, and a log line where a person should know.

An event that nobody declared, or that lacks a field, is logged with its name.
"""

import logging
from typing import Final

from gateway.core.clock import Clock
from gateway.observe.metrics import Metrics

Fields = dict[str, str | float]

EVENTS: Final = (
    "upstream.attempt",  # upstream, outcome, detail (what went wrong on the wire, or empty)
    "upstream.state",  # upstream, open (1 while its breaker is)
    "upstream.passed_over",  # upstream, reason (a code of the catalogue)
    "store.commit_failed",  # error
    "ledger.debt_clamped",  # unit, units
    "ledger.expired",
    "reload.ok",  # revision
    "reload.failed",  # error
    "switch.off",  # policy, by, until
    "switch.on",  # policy, why (lifted, or over)
    "store.lost",  # store, error
    "store.back",  # store, seconds
)
"""The closed list of names, with the fields each carries."""

_CODE_CLASS: Final = {
    "answered": "2xx",
    "rejected": "4xx",
    "credentials": "credentials",
    "failed": "5xx",
    "busy": "busy",
    "timeout": "timeout",
    "stale": "stale",
    "cancelled": "cancelled",
}
"""How an attempt's outcome is counted; what is not listed never got a status and is an error."""


class MetricEvents:
    """Counts and logs events. Never raises, never blocks beyond writing a log line."""

    def __init__(self, metrics: Metrics, clock: Clock, logger: logging.Logger | None = None) -> None:
        self._metrics = metrics
        self._clock = clock
        self._log = logger or logging.getLogger("gateway")
        handlers = (
            self._attempt, self._state, self._passed_over, self._commit_failed, self._clamped,
            self._expired, self._reloaded, self._reload_failed, self._off, self._on, self._lost, self._back,
        )  # fmt: skip
        self._handlers = dict(zip(EVENTS, handlers, strict=True))

    def emit(self, name: str, **fields: str | float) -> None:
        try:
            self._handlers[name](fields)
        except Exception:  # noqa: BLE001 - the port promises never to raise; the line names the emitter's mistake
            self._log.warning("event not understood", extra={"fields": {"event": name, **fields}}, exc_info=True)

    def _attempt(self, fields: Fields) -> None:
        outcome = str(fields["outcome"])
        self._metrics.upstream_attempt(str(fields["upstream"]), _CODE_CLASS.get(outcome, "error"))
        if outcome == "credentials":
            self._log.error("the upstream refused the gateway's own credential", extra={"fields": fields})
        elif fields.get("detail"):
            self._log.warning("an upstream failed", extra={"fields": fields})

    def _state(self, fields: Fields) -> None:
        is_open = bool(fields["open"])
        self._metrics.upstream_state(str(fields["upstream"]), up=not is_open)
        level = logging.WARNING if is_open else logging.INFO
        self._log.log(level, "upstream is %s", "down" if is_open else "up", extra={"fields": fields})

    def _passed_over(self, fields: Fields) -> None:
        self._metrics.upstream_passed_over(str(fields["upstream"]), str(fields["reason"]))

    def _commit_failed(self, fields: Fields) -> None:
        self._metrics.store_call("commit", "failed")
        self._log.error("usage could not be made durable", extra={"fields": fields})

    def _clamped(self, fields: Fields) -> None:
        self._metrics.store_call("settle", "debt_clamped")
        self._log.warning("debt of a rate limit was cut to its bound", extra={"fields": fields})

    def _expired(self, fields: Fields) -> None:
        self._metrics.store_call("expire", "ok")
        self._log.warning("a reservation expired unsettled", extra={"fields": fields})

    def _reloaded(self, fields: Fields) -> None:
        self._metrics.reloaded(str(fields["revision"]), self._clock.now_ms())
        self._log.info("accounts, models and policies loaded", extra={"fields": fields})

    def _reload_failed(self, fields: Fields) -> None:
        self._metrics.reload_failed()
        self._log.error("reload failed, the last good set stays in force", extra={"fields": fields})

    def _off(self, fields: Fields) -> None:
        self._log.warning("a policy is switched off", extra={"fields": fields})

    def _on(self, fields: Fields) -> None:
        self._log.warning("a policy is in force again", extra={"fields": fields})

    def _lost(self, fields: Fields) -> None:
        self._log.error("the usage store is lost; limits do what redis.on_loss says", extra={"fields": fields})

    def _back(self, fields: Fields) -> None:
        self._log.warning("the usage store is back", extra={"fields": fields})
