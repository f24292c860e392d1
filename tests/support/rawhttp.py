"""A client made of one raw socket: it sends exact bytes, sane or not, and reads what comes back strictly.

with Raw(port) as raw:
    raw.send(b"GET / HTTP/1.1\\r\\n\\r\\n")
    answer = raw.answer()
    assert answer.status == 400 and raw.closed()
"""

import json
import socket
from typing import Any, Self

PATIENCE_S = 8.0
"""An answer that takes longer is a hang, and so a failure."""


class Closed(Exception):  # noqa: N818 - named for what happened
    """The connection ended where an answer was expected."""


class RawAnswer:
    """One parsed response."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:300]!r}"

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str | None:
        found = self.all(name)
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None

    def json(self) -> Any:
        return json.loads(self.body)


class Raw:
    """One connection."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", port))
        self._left = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Whether all of it was taken; a peer that hangs up half way is not an error."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._left += data
        return bool(data)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._left:
            if not self._more():
                raise Closed(self._left)
        found, _, self._left = self._left.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._left) < size:
            if not self._more():
                raise Closed(self._left)
        found, self._left = self._left[:size], self._left[size:]
        return found

    def head(self) -> RawAnswer:
        """The next response's status line and headers; the body is left where it is."""
        line, *lines = self._until(b"\r\n\r\n").split(b"\r\n")
        version, status, _ = line.split(b" ", 2)
        assert version in (b"HTTP/1.1", b"HTTP/1.0"), line
        headers = []
        for field in lines:
            assert not set(field) & set(b"\r\n\0"), field
            name, colon, value = field.decode("ascii").partition(":")
            assert colon, field
            assert name == name.strip() != "", field
            headers.append((name.lower(), value.strip()))
        return RawAnswer(int(status), headers, b"")

    def answer(self, *, bodiless: bool = False) -> RawAnswer:
        """The next response, whole; a 100 is a response of its own. `bodiless`: it answers a HEAD."""
        answer = self.head()
        if answer.status < 200 or bodiless:
            return answer
        if answer.header("transfer-encoding") == "chunked":
            assert answer.header("content-length") is None
            while size := int(self._until(b"\r\n"), 16):
                answer.body += self._exactly(size)
                assert self._exactly(2) == b"\r\n"
            assert self._exactly(2) == b"\r\n"
        else:
            answer.body = self._exactly(int(answer.header("content-length") or 0))
        return answer

    def answers_until_idle(self) -> list[RawAnswer]:
        """One answer, and whatever else has come by the time a second could have."""
        found = []
        try:
            found.append(self.answer())
            self.socket.settimeout(0.02)
            found.append(self.answer())
        except (Closed, TimeoutError):
            self.socket.settimeout(PATIENCE_S)
        return found

    def rest(self) -> bytes:
        """Everything until the connection ends. A peer that keeps it open is a failure by time-out."""
        while self._more():
            pass
        found, self._left = self._left, b""
        return found

    def closed(self) -> bool:
        """Whether nothing more comes but the end."""
        return not self.rest()

    def answers(self) -> list[RawAnswer]:
        """Every whole response until the connection ends; what is cut off at the end is dropped."""
        found = []
        try:
            while True:
                found.append(self.answer())
        except Closed:
            return found


def request(
    path: str | bytes,
    body: bytes = b"",
    *,
    key: str | None = None,
    method: bytes = b"POST",
    headers: tuple[bytes, ...] = (),
    length: bool = True,
) -> bytes:
    """A well-formed request; `headers` are further lines. Without `length` framing is the caller's business."""
    target = path.encode() if isinstance(path, str) else path
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: gateway.test"]
    if key is not None:
        lines.append(b"Authorization: Bearer " + key.encode())
    if length and (body or method == b"POST"):
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *headers]) + b"\r\n\r\n" + body


CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"


def chat_body(text: str = "hello", **more: Any) -> bytes:
    return json.dumps({"model": "sim-small", "messages": [{"role": "user", "content": text}], **more}).encode()


def error_of(answer: RawAnswer, dialect: str = "openai") -> dict[str, Any]:
    """The error of a refusal, after checking that it is one, whole, in the dialect's own shape."""
    assert 400 <= answer.status < 600, answer
    assert answer.header("content-type") == "application/json", answer
    assert answer.header("x-request-id"), answer
    assert answer.header("x-request-id") == answer.header("request-id"), answer
    assert answer.header("cache-control") == "no-store"
    document = answer.json()
    error: dict[str, Any] = document["error"]
    assert error["message"], document
    if dialect == "anthropic":
        assert document["type"] == "error", document
        assert document["request_id"] == answer.header("x-request-id")
        return {**error, "code": error["details"]["error_code"], "param": error["details"].get("param")}
    assert set(document) == {"error"}, document
    assert isinstance(error["type"], str), document
    assert isinstance(error["code"], str), document
    assert error["param"] is None or isinstance(error["param"], str), document
    return error
