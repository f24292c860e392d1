"""A request's head as bytes: the headers of its Call, Host and framing, and nothing else."""

from collections.abc import Mapping
from itertools import islice
from typing import Final
from urllib.parse import SplitResult

from gateway.upstreams.base import Call

_NO_LENGTH: Final = frozenset({"GET", "HEAD"})
_NOTHING: Final[Mapping[str, str]] = {}


class Heads:
    """Of one upstream. What every request of a route shares is made once; routes are a few of our own."""

    __slots__ = ("_host", "_prefix", "_starts")

    def __init__(self, root: SplitResult) -> None:
        self._host = host_field(root)
        self._prefix = root.path
        self._starts: dict[tuple[int, str, str], tuple[Mapping[str, str], bytes]] = {}
        """By the template's identity, which lasts as long as the template, kept beside the text."""

    def head(self, call: Call) -> bytes:
        """Raises ValueError for a header that would end its line: that is a fault of ours, never sent."""
        template = _NOTHING if call.template is None else call.template
        known = self._starts.get((id(template), call.method, call.path))
        start = self._start(call, template) if known is None else known[1]
        headers = call.headers
        shared = len(template)
        own = "".join([f"{name}: {value}\r\n" for name, value in islice(headers.items(), shared, None)])
        _check(own, len(headers) - shared)
        if "accept-encoding" not in headers:
            own += "accept-encoding: identity\r\n"
        if call.body or call.method not in _NO_LENGTH:
            own += f"content-length: {len(call.body)}\r\n"
        return b"%b%b\r\n" % (start, own.encode())

    def _start(self, call: Call, template: Mapping[str, str]) -> bytes:
        fields = "".join([f"{name}: {value}\r\n" for name, value in template.items()])
        start = f"{call.method} {self._prefix}{call.path} HTTP/1.1\r\nhost: {self._host}\r\n{fields}"
        _check(start, len(template) + 2)
        made = start.encode()
        self._starts[id(template), call.method, call.path] = template, made
        return made


def _check(text: str, lines: int) -> None:
    if text.count("\r") != lines or text.count("\n") != lines or "\0" in text:
        raise ValueError("a header of a request holds a line end")


def host_field(root: SplitResult) -> str:
    """Host as RFC 9110 section 7.2 wants it: the port only where it is not the scheme's own."""
    host = ascii_host(root)
    name = f"[{host}]" if ":" in host else host
    usual = 443 if root.scheme == "https" else 80
    return name if root.port in (None, usual) else f"{name}:{root.port}"


def ascii_host(root: SplitResult) -> str:
    host = root.hostname or ""
    return host if host.isascii() else host.encode("idna").decode("ascii")
