"""One caller who asks for the same again and again, on one connection: what the counters of steps are fed with."""

import http.client
import json
import secrets
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import Final, Literal

from bench.compare.lineup import HOT, REFUSED, SPENT, setup
from bench.gateway_proc import Setup
from bench.plan import BenchFailed
from bench.requests import BODY, WORD
from bench.under_load import Target
from gateway.identity.keys import new_key

_LIMIT: Final = 1000
"""Requests of limits that the set-up is asked for; only where they are to be used up, they are."""
_ACCOUNTS: Final = {200: "acme", 403: REFUSED, 429: SPENT}
"""By the answer that they get; a stranger gets 401."""
ANSWERS: Final = (*_ACCOUNTS, 401)
"""What can be asked for."""
Fresh = Literal["heads", "prompts"]
FRESH: Final[tuple[Fresh, ...]] = ("heads", "prompts")
FRESH_HELP: Final = "no request's head, or prompt, is like one before (may be repeated)"


def shipped() -> Setup:
    """A gateway whose accounts get each of `ANSWERS`."""
    return setup(HOT, _LIMIT, _LIMIT)


class Caller:
    """One request after the other. Raises BenchFailed where an answer has another status.

    `fresh` says what is like nothing before: heads, as behind a proxy that numbers requests; prompts, as people's are.
    """

    def __init__(
        self, connection: http.client.HTTPConnection, key: str, status: int, fresh: Collection[Fresh] = ()
    ) -> None:
        self._connection = connection
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._body = json.dumps(BODY)
        self._status = status
        self._fresh = fresh

    def times(self, many: int) -> None:
        for _ in range(many):
            if "heads" in self._fresh:
                self._headers["traceparent"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
            body = (
                self._body.replace(WORD, secrets.token_hex(len(WORD) // 2)) if "prompts" in self._fresh else self._body
            )
            self._connection.request("POST", "/v1/chat/completions", body.encode(), self._headers)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status != self._status:
                raise BenchFailed(f"expected an answer with status {self._status}, got {answer.status}")


@contextmanager
def caller(target: Target, status: int, fresh: Collection[Fresh] = ()) -> Iterator[Caller]:
    """Who is answered with `status` by a gateway that was started with `shipped()`."""
    key = target.keys[_ACCOUNTS[status]] if status in _ACCOUNTS else new_key()
    with closing(http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)) as connection:
        if status == 429:
            _use_up(connection, key)
        yield Caller(connection, key, status, fresh)


def _use_up(connection: http.client.HTTPConnection, key: str) -> None:
    """The account's first requests are within its limit."""
    try:
        Caller(connection, key, 200).times(_LIMIT)
    except BenchFailed:
        return
    raise BenchFailed("the limit that was to be used up was not")
