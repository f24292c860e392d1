"""Finding model-authored text in an event's JSON without parsing it.

A key pattern such as `"content":"` cannot occur inside a JSON string: there every quote has a backslash before it,
so `"` never follows a letter or precedes a colon unescaped. A hit is therefore always a key with a string value.
"""

import re
from typing import Any, Final

from gateway.core.jsonio import JsonError, loads, parse

Markers = tuple[bytes, ...]
Finder = re.Pattern[bytes]
_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
_LF: Final = 0x0A
_CR: Final = 0x0D
_LONG: Final = 1 << 16
"""Bytes of a text that is looked at in the ordinary way."""


def markers(*keys: str) -> tuple[Markers, Markers]:
    """The patterns for string values under these keys: compact, and with a space after the colon."""
    return (
        tuple(f'"{key}":"'.encode() for key in keys),
        tuple(f'"{key}": "'.encode() for key in keys),
    )


def finder(*keys: str) -> Finder:
    """The same patterns, in either spacing, for one pass over a whole body. Literals alone: it takes linear time."""
    return re.compile(b'"(?:%b)": ?(?=")' % b"|".join(re.escape(key.encode()) for key in keys))


def string_size(event: bytes, start: int) -> int:
    """UTF-8 bytes of the JSON string whose first character is at `start`; -1 when it does not end."""
    end = event.find(b'"', start)
    if end < 0:
        return -1
    escape = event.find(b"\\", start, end)
    if escape < 0:
        return end - start
    while True:
        # The quote is escaped when an odd number of backslashes stands before it.
        back = end - 1
        while event[back] == _BACKSLASH:
            back -= 1
        if (end - back) % 2:
            break
        end = event.find(b'"', end + 1)
        if end < 0:
            return -1
    try:
        return len(loads(event[start - 1 : end + 1]).encode())
    except JsonError:
        return end - start


def plain_between(event: bytes, head: bytes, tail: bytes) -> int:
    """Bytes of the text by which an event differs from another that begins and ends alike; 0 where it is not plain.

    A text without quotes, backslashes and line ends cannot change what the rest of the event means, nor where it ends.
    So nearly every event of a stream is told by a comparison.
    """
    end = len(event) - len(tail)
    size = end - len(head)
    if not 0 < size < _LONG or not event.startswith(head) or not event.endswith(tail):
        return 0
    text = event[len(head) : end]
    # Asked for a number, bytes need no exception to find out that they were not asked for one: a fifth of the time.
    return 0 if _QUOTE in text or _BACKSLASH in text or _LF in text or _CR in text else size


def texts(value: Any, keys: frozenset[str]) -> tuple[int, int]:
    """The same count on a parsed document: how many non-empty strings under these keys, and their UTF-8 bytes."""
    pieces = size = 0
    stack: list[Any] = [value]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            for key, below in node.items():
                if type(below) is str:
                    if below and key in keys:
                        pieces += 1
                        size += len(below.encode())
                else:
                    stack.append(below)
        elif type(node) is list:
            stack.extend(node)
    return pieces, size


def string_pieces(body: bytes, keys: Finder) -> int:
    """UTF-8 bytes of all strings under the keys in a whole body."""
    size = quote = 0
    marker = b""
    for found in keys.finditer(body):
        start, end = found.span()
        if start == quote and found[0] == marker:
            continue  # no JSON: one key within another's value
        start = end + 1
        close = body.find(b'"', start)
        # As `string_size`, which is asked only where there is an escape.
        size += close - start if close >= 0 and body.find(b"\\", start, close) < 0 else max(0, string_size(body, start))
        quote, marker = end, found[0]
    return size


def usage_object(body: bytes) -> Any:
    """The last `"usage": {...}` of a complete body, cut out by its braces; None when there is none.

    The rest is not parsed: answers with embeddings or log probabilities run to millions of values. Only for bodies
    in which neither the model nor the caller chooses any key.
    """
    at = body.rfind(b'"usage"')
    while at >= 0:
        start = at + 7
        if body.startswith(b":{", start):
            return _object_at(body, start + 1)
        head = body[start : start + 16].lstrip()
        if head.startswith(b":") and head[1:].lstrip().startswith(b"{"):
            return _object_at(body, body.find(b"{", start))
        at = body.rfind(b'"usage"', 0, at)
    return None


def _object_at(body: bytes, start: int) -> Any:
    at = body.find(b"}", start)
    if at < 0:
        return None
    depth = body.count(b"{", start, at) - 1
    while depth:
        close = body.find(b"}", at + 1)
        if close < 0:
            return None
        depth += body.count(b"{", at + 1, close) - 1
        at = close
    try:
        return parse(body[start : at + 1])
    except JsonError:
        return None
