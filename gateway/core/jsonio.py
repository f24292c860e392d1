"""The one JSON door: strict in, canonical out.

What is decided on is what is forwarded, so a document that two parsers could read differently is refused here:
duplicate keys, NaN, numbers that overflow to infinity, invalid UTF-8, lone surrogates, trailing data.
"""

import json
from math import isfinite, isinf
from typing import Any, Final

import msgspec
from jiter import from_json

MAX_DEPTH: Final = 64
MAX_NODES: Final = 200_000
_NO_MARKS: Final = bytes({*range(256)} - {*b",[{"})


class JsonError(ValueError):
    """The text is not one strict JSON document. The message is safe to show: it never quotes the text."""


def loads(data: bytes) -> Any:
    """Parse one document. Raises JsonError."""
    document = parse(data)
    if _values([document], 0) > MAX_NODES:
        raise _too_wide()
    return document


def parse(data: bytes) -> Any:
    """As `loads`, for what is only read here: nobody looks how deep it is or for infinities. Raises JsonError."""
    if _surely_too_wide(data):
        raise _too_wide()
    try:
        return from_json(data, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
    except ValueError as error:
        # jiter quotes a duplicate key back; nothing of a caller's body belongs into a message.
        text = str(error)
        if text.startswith("Detected duplicate key"):
            text = "duplicate key" + text[text.rfind(" at line ") :]
        raise JsonError(text) from None


def _too_wide() -> JsonError:
    return JsonError(f"more than {MAX_NODES} values")


def _surely_too_wide(data: bytes) -> bool:
    """Whether parsing would make far more values than allowed: megabytes of `[],[],` cost seconds and gigabytes.

    Every value but the first follows a comma or an opening bracket, and has at most two strings (a key, itself).
    Nearly every body passes on the first line; the rest works at the speed of memory and only on large ones.
    """
    if len(data) <= 2 * MAX_NODES or _marks(data) <= 2 * MAX_NODES:
        return False
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if data.count(b'"') > 4 * MAX_NODES:
        return True
    return _marks(b"".join(data.split(b'"')[::2])) > 2 * MAX_NODES


def _marks(data: bytes) -> int:
    return len(data.translate(None, _NO_MARKS))  # one pass: counting three signs takes three


def _values(container: Any, depth: int) -> int:
    """How many values a dictionary or a list holds, all below included. Raises JsonError for an infinity, and where
    one is deeper than allowed, so that this goes no deeper either.
    """
    found = len(container)
    if found and depth > MAX_DEPTH:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    for value in container.values() if type(container) is dict else container:
        kind = type(value)
        if kind is str or kind is int:
            continue
        if kind is dict or kind is list:
            found += _values(value, depth + 1)
        elif kind is float and isinf(value):
            raise JsonError("number out of range")
    return found


_encode: Final = msgspec.json.encode
_encode_anything: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False
).encode  # fmt: skip


def dumps(document: Any) -> bytes:
    """Serialise compactly as UTF-8. Raises ValueError for NaN, infinities and half surrogates."""
    try:
        data = _encode(document)
    except TypeError:  # a subclass of a plain type, which it leaves to others
        return _encode_anything(document).encode()
    if b"null" in data and not _finite(document):  # it writes null for them
        raise ValueError("NaN and infinities are not JSON")
    return data


def dumps_read(document: Any) -> bytes:
    """`dumps` of what `loads` gave, our own edits included: in that nobody needs to look for NaN."""
    return _encode(document)


def dumps_error(document: Any) -> bytes:
    """`dumps` of an error body of ours. Nobody looks for NaN: it would become null, and the error its reader's."""
    try:
        return _encode(document)
    except TypeError:  # see `dumps`
        return dumps(document)


def _finite(document: Any) -> bool:
    """Whether no number in it is NaN or an infinity."""
    left = [document]
    for value in left:
        kind = type(value)
        if kind is str or kind is int:
            continue
        if kind is float:
            if not isfinite(value):
                return False
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
    return True
