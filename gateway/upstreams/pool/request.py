"""A request's head as bytes: the headers of its Call, Host and framing, and nothing else."""

from typing import Final
from urllib.parse import SplitResult

from gateway.upstreams.base import Call

_NO_LENGTH: Final = frozenset({"GET", "HEAD"})


class Heads:
    """Of one upstream. What every request of a route shares is made once; routes are a few of our own."""

    __slots__ = ("_host", "_prefix", "_starts")

    def __init__(self, root: SplitResult) -> None:
        self._host = host_field(root)
        self._prefix = root.path
        self._starts: dict[tuple[str, str], str] = {}

    def head(self, call: Call) -> bytes:
        """Raises ValueError for a header that would end its line: that is a fault of ours, never sent."""
        start = self._starts.get((call.method, call.path))
        if start is None:
            start = f"{call.method} {self._prefix}{call.path} HTTP/1.1\r\nhost: {self._host}\r\n"
            self._starts[call.method, call.path] = start
        headers = call.headers
        lines = [start, *[f"{name}: {value}\r\n" for name, value in headers.items()]]
        many = len(headers) + 3
        if "accept-encoding" not in headers:
            lines.append("accept-encoding: identity\r\n")
            many += 1
        if call.body or call.method not in _NO_LENGTH:
            lines.append(f"content-length: {len(call.body)}\r\n\r\n")
            many += 1
        else:
            lines.append("\r\n")
        text = "".join(lines)
        if text.count("\r") != many or text.count("\n") != many or "\0" in text:
            raise ValueError("a header of a request holds a line end")
        return text.encode()


def host_field(root: SplitResult) -> str:
    """Host as RFC 9110 section 7.2 wants it: the port only where it is not the scheme's own."""
    host = ascii_host(root)
    name = f"[{host}]" if ":" in host else host
    usual = 443 if root.scheme == "https" else 80
    return name if root.port in (None, usual) else f"{name}:{root.port}"


def ascii_host(root: SplitResult) -> str:
    host = root.hostname or ""
    return host if host.isascii() else host.encode("idna").decode("ascii")
