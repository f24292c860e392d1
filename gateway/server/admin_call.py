"""One call of the admin API as its handlers see it: who calls, about what, and the body if they want it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from aiohttp import web

from gateway.core import reasons
from gateway.core.jsonio import JsonError, loads
from gateway.core.refusal import Refusal
from gateway.identity.admins import Admin, Role
from gateway.server.body import BodyBudget, Lease, read_body
from gateway.server.guards import check_body_head
from gateway.server.reference_lane import AiohttpBody

Answer = dict[str, Any] | Refusal

MAX_BODY: Final = 2 << 20
"""Bytes of a body: an accounts.yaml of the largest size, as JSON."""
MAX_BODIES: Final = 8 * MAX_BODY
"""Bytes of all bodies that are being read."""
_GRACE_S: Final = 10.0
_MIN_RATE: Final = 50 << 10
_PAGE: Final = 100
_LARGEST_PAGE: Final = 500
"""Less than a book gives at once: one more is asked for, to know whether there is a next page."""
_YAML: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})


@dataclass(slots=True)
class AdminCall:
    """A call that is authenticated and allowed. `argument` is the name in the path."""

    request: web.BaseRequest
    admin: Admin
    argument: str
    query: str
    budget: BodyBudget
    notes: dict[str, str | float] = field(default_factory=dict)
    """What the line in the log says of a change: names and ids, never a secret."""

    def param(self, name: str) -> str:
        return parse_qs(self.query).get(name, [""])[-1]

    def page(self) -> tuple[str, int] | Refusal:
        """`?after=NAME&limit=N` of a list."""
        text = self.param("limit") or str(_PAGE)
        if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= _LARGEST_PAGE):
            return Refusal(reasons.INVALID_FIELD, f"limit: expected a number from 1 to {_LARGEST_PAGE}", param="limit")
        return self.param("after"), int(text)

    async def json(self) -> Any | Refusal:
        """The body as JSON; no body at all is an empty object."""
        if not self.request.content_length and "transfer-encoding" not in self.request.headers:
            return {}
        fault = check_body_head(self.request.headers, self.request.content_length, MAX_BODY)
        raw = fault or await self.raw()
        if isinstance(raw, Refusal):
            return raw
        try:
            return loads(raw) if raw else {}
        except JsonError as error:
            return Refusal(reasons.INVALID_JSON, f"the body is not valid JSON: {error}")

    @property
    def has_yaml(self) -> bool:
        media_type = self.request.headers.get("content-type", "")
        return media_type.partition(";")[0].strip().lower() in _YAML

    async def raw(self) -> bytes | Refusal:
        """The body's bytes."""
        with Lease(self.budget, self.admin.name) as held:
            body = AiohttpBody(self.request)
            return await read_body(body, held, max_bytes=MAX_BODY, grace_s=_GRACE_S, min_rate=_MIN_RATE)


class Route(NamedTuple):
    """Who may call it, and what answers."""

    role: Role
    handler: Callable[[AdminCall], Awaitable[Answer]]


Routes = dict[tuple[str, str], Route]
