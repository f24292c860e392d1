"""The log: one JSON object per line and event, nothing secret in it, and no storm of the same line.

Requests are not logged here: the decision record is their line. Messages come from our own code; `fields` given as
`extra={"fields": {...}}` become members of the object.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TextIO

MAX_FIELD: Final = 2048
MAX_TRACEBACK: Final = 8192
MAX_FIELDS: Final = 32
_MAX_SCANNED: Final = 65_536
"""Redaction looks at no more of a text than this; what lies beyond is cut off anyway."""
_KEY_SHAPE: Final = re.compile(r"sk-(ex|adm)-[0-9A-Za-z_]+", re.IGNORECASE)


def redact(text: str, limit: int = MAX_FIELD) -> str:
    """`text` without anything that looks like one of our keys, at most `limit` characters.

    Redacted first and cut after, so that no cut can hide the shape of a key from the pattern.
    """
    clean = text[:_MAX_SCANNED]
    if "sk-" in clean.lower():
        clean = _KEY_SHAPE.sub(r"sk-\1-[redacted]", clean)
    return clean if len(clean) <= limit else clean[:limit] + "…"


class JsonFormatter(logging.Formatter):
    """One line per event. ASCII only: no newline, terminal escape or direction mark of a caller's survives."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(_message(record)),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            for name, value in list(fields.items())[:MAX_FIELDS]:
                line.setdefault(redact(str(name), 64), _plain(value))
        suppressed = getattr(record, "suppressed", 0)
        if suppressed:
            line["suppressed"] = suppressed
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = redact(self.formatException(record.exc_info), MAX_TRACEBACK)
        return json.dumps(line, separators=(",", ":"), ensure_ascii=True)


class RateLimit(logging.Filter):
    """At most `burst` lines of one message template per `window_s`; the next one says how many were suppressed.

    Lines with `every` set pass: what operators did is recorded, however much it was.
    """

    MAX_TEMPLATES: Final = 512

    def __init__(self, burst: int = 10, window_s: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._burst = burst
        self._window_s = window_s
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], list[float]] = {}
        """Per template: start of the window, lines let through in it, lines suppressed since the last one."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "every", False):
            return True
        template = (record.name, str(record.msg)[:200])
        if template not in self._seen and len(self._seen) >= self.MAX_TEMPLATES:
            template = ("", "")
        now = self._monotonic()
        state = self._seen.setdefault(template, [now, 0, 0])
        if now - state[0] >= self._window_s:
            state[0], state[1] = now, 0
        if state[1] >= self._burst:
            state[2] += 1
            return False
        state[1] += 1
        if state[2]:
            record.suppressed = int(state[2])
            state[2] = 0
        return True


def install(stream: TextIO, level: int = logging.INFO) -> logging.Handler:
    """Send everything that is logged in this process to `stream`, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    return handler


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit their template must not lose the line
        return str(record.msg)


def _plain(value: object) -> str | float | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # infinities and NaN are no JSON
    return redact(str(value))
