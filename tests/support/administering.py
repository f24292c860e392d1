"""Asking the admin API of a running gateway for something."""

import json
from typing import Any

from tests.support.rawhttp import Raw, RawAnswer
from tests.support.running import Running


def admin(
    gateway: Running, method: str, path: str, body: Any = None, *, token: str | None = None,
    media: str = "application/json",
) -> RawAnswer:  # fmt: skip
    """One call; `body` is sent as it is if it is bytes, else as JSON."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"{method} /admin/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += f"Authorization: Bearer {token or gateway.admin_token}\r\n"
    if body is not None:
        head += f"Content-Type: {media}\r\nContent-Length: {len(data)}\r\n"
    with Raw(gateway.gateway.admin_port) as raw:
        raw.send(head.encode() + b"\r\n" + data)
        return raw.answer()


def done(gateway: Running, method: str, path: str, body: Any = None, **more: Any) -> Any:
    """The answer of a call that must succeed."""
    answer = admin(gateway, method, path, body, **more)
    assert answer.status == 200, answer
    return answer.json()


def refused(gateway: Running, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str, str]:
    """Status, code and message of a call that must be refused."""
    answer = admin(gateway, method, path, body, **more)
    assert answer.status >= 400, answer
    error = answer.json()["error"]
    return answer.status, error["code"], error["message"]
