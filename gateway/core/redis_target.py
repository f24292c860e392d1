"""From a store's URL to what it names: one server, a Sentinel service, or a cluster.

    redis://[user@]host[:6379][/db]                  rediss:// is the same with TLS
    redis+sentinel://[user@]host[:26379],.../service[/db]     rediss+sentinel:// with TLS to Redis and Sentinel
    redis+cluster://[user@]host[:6379],...                    rediss+cluster:// with TLS

An IPv6 address stands in brackets. Percent-escapes count in the user only. The password comes from a file or the
environment; one inside a URL is refused, since URLs end up in process lists and logs.
"""

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote

Mode = Literal["single", "sentinel", "cluster"]
Address = tuple[str, int]

EXPECTED: Final = (
    "expected redis://HOST[:PORT][/DB], redis+sentinel://HOST[:PORT],.../SERVICE[/DB] "
    "or redis+cluster://HOST[:PORT],... (rediss for TLS, USER@ before the hosts for an ACL user)"
)
_SCHEMES: Final[dict[str, tuple[Mode, bool]]] = {
    "redis": ("single", False),
    "rediss": ("single", True),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_MAX_HOSTS: Final = 64


@dataclass(frozen=True, slots=True)
class Target:
    """Where Redis is. `str()` of it names no user and no password."""

    mode: Mode
    addresses: tuple[Address, ...]
    tls: bool = False
    username: str = field(default="", repr=False)
    db: int = 0
    service: str = ""

    def __str__(self) -> str:
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.addresses)
        return f"{'rediss' if self.tls else 'redis'}{'' if self.mode == 'single' else '+' + self.mode}://{hosts}"


def is_redis(url: str) -> bool:
    """Whether this is the one to read a URL, right or wrong."""
    return url.partition(":")[0] in _SCHEMES


def parse(url: str) -> Target:
    """Raises ValueError with a sentence that repeats nothing of the URL beyond its scheme."""
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES or not rest:
        raise ValueError(f"not the URL of a Redis store: {EXPECTED}")
    mode, tls = _SCHEMES[scheme]
    if "?" in rest or "#" in rest:
        raise ValueError(f"a {scheme}:// store takes no query or fragment: {EXPECTED}")
    authority, _, path = rest.partition("/")
    user, at, hosts = authority.rpartition("@")
    if at and ":" in user:
        raise ValueError("a password does not belong into the store's URL: put it into a file and name that")
    username = unquote(user)
    if at and not username:
        raise ValueError(f"nobody before the '@' of a {scheme}:// store: {EXPECTED}")
    addresses = tuple(_address(host, 26379 if mode == "sentinel" else 6379) for host in hosts.split(","))
    if len(addresses) > (1 if mode == "single" else _MAX_HOSTS):
        raise ValueError(f"too many hosts for a {scheme}:// store: {EXPECTED}")
    service = ""
    if mode == "sentinel":
        service, _, path = path.partition("/")
        if not service:
            raise ValueError(f"a {scheme}:// store must name its service after the hosts: {EXPECTED}")
    if mode == "cluster" and path not in ("", "0"):
        raise ValueError("a Redis cluster has no numbered databases: leave out what follows the hosts")
    return Target(mode, addresses, tls, username, _db(path), service)


def _address(text: str, default_port: int) -> Address:
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
        good = bool(closed) and (not rest or rest.startswith(":"))
    else:
        host, _, port = text.partition(":")
        good = ":" not in port
    if not good or not host or any(letter.isspace() for letter in host):
        raise ValueError(f"a host of the Redis store cannot be read: {EXPECTED}")
    if not port:
        return host, default_port
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError("a port of the Redis store must be a number from 1 to 65535")
    return host, int(port)


def _db(path: str) -> int:
    if not path:
        return 0
    if not (path.isascii() and path.isdecimal() and int(path) < 10_000):
        raise ValueError("the database of a Redis store must be a number, as in redis://localhost:6379/0")
    return int(path)
