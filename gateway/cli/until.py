"""When something ends, as people say it: a span from now, a date, or a time with its offset."""

import argparse

from pydantic import TypeAdapter, ValidationError

from gateway.core.clock import SystemClock
from gateway.identity.entries import moment_text
from gateway.scalars import Seconds, moment_ms

_SPAN = TypeAdapter(Seconds)


def end(text: str) -> str:
    """`2h`, `7d`, `2027-01-31` (midnight UTC) or `2027-01-31T12:00:00+01:00`, as the admin API takes it.

    Raises argparse.ArgumentTypeError: it is the type of a flag.
    """
    try:
        seconds = _SPAN.validate_python(text)
    except ValidationError:
        seconds = 0
    try:
        ms = SystemClock().now_ms() + seconds * 1000 if seconds else moment_ms(text)
        return moment_text(ms) or ""
    except (ValueError, OverflowError, OSError):
        expected = "expected a span such as 2h or 7d, a date, or a time with its offset"
        raise argparse.ArgumentTypeError(expected) from None
