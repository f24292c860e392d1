"""Heads of answers as bytes: what aiohttp's server writes for the same status and fields."""

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Final

from gateway.server.inbound import Fields

_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


def head_of(status: int, headers: Fields, length: int | None, *, closes: bool) -> bytes:
    """An HTTP/1.1 head with its blank line; without a `length` in bytes the body comes in chunks.

    Raises ValueError for a field that would end its own line (CWE-113).
    """
    fields = [f"{name}: {value}" for name, value in headers]
    fields.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    fields.append(_date(int(time())))
    if closes:
        fields.append("Connection: close")
    said = "".join(fields)
    if "\n" in said or "\r" in said or "\0" in said:
        raise ValueError("a line break in a header of an answer")
    return "\r\n".join((f"HTTP/1.1 {status} {_REASONS.get(status, '')}", *fields, "", "")).encode()


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}"
