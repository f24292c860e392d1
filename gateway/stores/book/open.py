"""From a store's URL to the book of accounts that belongs to it."""

from pathlib import Path
from typing import Final

from gateway.core.redis_target import is_redis, parse
from gateway.stores.book.base import AccountBook
from gateway.stores.book.memory import MemoryBook
from gateway.stores.book.redis import RedisBook
from gateway.stores.book.sqlite import SqliteBook
from gateway.stores.redis.endpoint import Dial

SUFFIX: Final = ".accounts"
"""What the name of the accounts' file has behind that of the usage database."""


def open_book(url: str, dial: Dial | None = None) -> AccountBook:
    """The book beside the store that `url` names, not opened yet. ValueError says what was expected."""
    if is_redis(url):
        return RedisBook(parse(url), dial)
    scheme, _, path = url.partition(":")
    if scheme == "sqlite" and path:
        return SqliteBook(Path(path + SUFFIX))
    if url == "memory:":
        return MemoryBook()
    raise ValueError("expected 'memory:', 'sqlite:PATH' or 'redis://HOST'")
