"""Talks to the admin API of a running gateway: its store has one owner, and that is who changes it."""

import argparse
import http.client
import json
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from gateway.config.secrets import SecretMissing, read_secret

DEFAULT_URL: Final = "http://127.0.0.1:9092"
TOKEN_FILE: Final = "GATEWAY_ADMIN_TOKEN_FILE"  # noqa: S105 - the name of a variable
TOKEN: Final = "GATEWAY_ADMIN_TOKEN"  # noqa: S105
_TIMEOUT_S: Final = 60
_MAX_ANSWER: Final = 16 << 20

NO_TOKEN: Final = f"""no admin token: expected {TOKEN_FILE}, a file that holds it, or {TOKEN}
make one with: gateway keys hash-admin --name YOU --role operate"""


class AdminFailed(Exception):  # noqa: N818 - refused or out of reach: both end the verb
    """What the gateway said, or why it could not be asked."""


class AdminClient:
    """One gateway, one token. Each call is a connection of its own."""

    def __init__(self, url: str, token: str) -> None:
        """Raises ValueError for an address that is none."""
        parts = urlsplit(url)
        self._port = parts.port
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("not the address of a listener")
        self._host, self._tls = parts.hostname, parts.scheme == "https"
        self._token = token

    def call(self, method: str, *path: str, query: Mapping[str, str | int] | None = None, body: Any = None) -> Any:
        """The answer as plain data. Parts of the path are quoted here. Raises AdminFailed."""
        target = "/admin/v1/" + "/".join(quote(part, safe="") for part in path)
        if query:
            target += "?" + "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        headers = {"authorization": f"Bearer {self._token}", "connection": "close"}
        data = None
        if method != "GET":
            headers["content-type"] = "application/json"
            data = json.dumps({} if body is None else body).encode()
        connection = self._connect()
        try:
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            text = answer.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            place = f"{self._host}:{connection.port}"
            raise AdminFailed(f"{place}: {reason}: is the gateway running, and is this its admin listener?") from None
        finally:
            connection.close()
        return _read(answer.status, text)

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_S, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)


def _read(status: int, text: bytes) -> Any:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if status == 200 and isinstance(document, dict):
        return document
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        raise AdminFailed(f"{status} {error.get('code')}: {error.get('message')}")
    raise AdminFailed(f"{status}: the answer is not the admin API's")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What every verb that talks to a gateway takes."""
    parser.add_argument("--admin-url", default=DEFAULT_URL, metavar="URL", help=f"admin listener; {DEFAULT_URL}")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def client_of(args: argparse.Namespace, verb: str, env: Mapping[str, str] = os.environ) -> AdminClient | None:
    """The client, or None after saying what is missing: wrong usage."""
    try:
        token = read_secret(Path(env[TOKEN_FILE])) if env.get(TOKEN_FILE) else env.get(TOKEN, "").strip()
        if not token:
            print(NO_TOKEN, file=sys.stderr)
            return None
        if not (token.isascii() and token.isprintable()):
            raise SecretMissing(f"the variable {TOKEN}: expected one line of printable ASCII")  # noqa: TRY301
        return AdminClient(args.admin_url, token)
    except SecretMissing as error:
        print(f"gateway {verb}: {error}", file=sys.stderr)
    except ValueError:
        print(f"gateway {verb}: --admin-url: expected an address like {DEFAULT_URL}", file=sys.stderr)
    return None


def answer_of(args: argparse.Namespace, verb: str, method: str, *path: str) -> Any | int:
    """The answer to the one call that a verb makes, or its exit status; what is wrong has been printed then."""
    client = client_of(args, verb)
    if client is None:
        return 2
    try:
        return client.call(method, *path)
    except AdminFailed as error:
        print(f"gateway {verb}: {error}", file=sys.stderr)
        return 1
