"""Values as records hold them: texts cleaned, lists cut, numbers rounded, times as RFC 3339 says them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar, cast

from msgspec import Struct
from msgspec.structs import astuple

from gateway.observe.log import redact

MAX_TEXT: Final = 128
MAX_LIST: Final = 64

_ENDS: Final = tuple(f".{ms:03}+00:00" for ms in range(1000))

T = TypeVar("T")


def moment(time_ms: int) -> str:
    """A time in Unix milliseconds as RFC 3339 in UTC says it."""
    return _second(time_ms // 1000) + _ENDS[time_ms % 1000]


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def clean_text(text: str) -> str:
    """Ids are short; whatever else a mistake may put here is cut, cleared of keys and of what UTF-8 cannot say."""
    # Every key has "sk-" in it, in some case; nearly every text passes here.
    if len(text) <= MAX_TEXT and "k-" not in text and "K-" not in text and text.isascii():
        return text
    return redact(text, MAX_TEXT).encode("utf-8", "replace").decode("utf-8")


clean_name: Final = lru_cache(maxsize=4096)(clean_text)
"""The same of texts that configuration names; not for what a caller may choose, which would be kept here."""


def micro(seconds: float) -> float:
    """A duration rounded to the microsecond, in a fraction of what `round` takes for it. Seconds, not negative."""
    return int(seconds * 1e6 + 0.5) / 1e6


def clean(value: T) -> T:
    """A record, or a part of one, as it may be written: texts cleaned, lists cut, numbers rounded to 6 places."""
    return cast("T", _cleaned(value))


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value[:MAX_LIST]))
    if isinstance(value, Struct):
        return type(value)(*map(_cleaned, astuple(value)))
    return value
