"""The admin API: accounts' usage, live reservations, decisions, reload. Named admins only, loopback by default."""

import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, unquote

from aiohttp import web

from gateway.core import reasons
from gateway.core.account import Principal
from gateway.core.ids import new_id
from gateway.core.jsonio import dumps
from gateway.core.refusal import Refusal
from gateway.dialects import OPENAI
from gateway.identity.admins import Admin, Role, authenticate_admin
from gateway.observe.sinks import RING_LIMIT
from gateway.runtime import Runtime
from gateway.server.own_routes import usage_of
from gateway.server.respond import head
from gateway.stores.base import StoreUnavailable

log = logging.getLogger("gateway")

_RECENT = 100

Answer = dict[str, Any] | Refusal


class AdminPlane:
    """/admin/v1/…: every call is authenticated, checked against a role, and answered as JSON."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._routes: dict[tuple[str, str], tuple[Role, Callable[[str], Awaitable[Answer]]]] = {
            ("GET", "accounts"): (Role.READ, self._accounts),
            ("GET", "accounts/*/usage"): (Role.READ, self._account_usage),
            ("GET", "reservations"): (Role.READ, self._reservations),
            ("GET", "decisions"): (Role.READ, self._decisions),
            ("GET", "decisions/*"): (Role.READ, self._decision),
            ("GET", "upstreams"): (Role.READ, self._upstreams),
            ("GET", "policies"): (Role.READ, self._policies),
            ("POST", "reload"): (Role.OPERATE, self._reload),
        }

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        request_id = new_id("adm-")
        answer = await self._answer(request)
        headers = head(request_id)
        headers["content-type"] = "application/json"
        if isinstance(answer, Refusal):
            wire = OPENAI.refuse(answer, request_id)
            headers.extend(wire.headers)
            response = web.Response(status=wire.status, headers=headers, body=wire.body)
        else:
            response = web.Response(status=200, headers=headers, body=dumps(answer) + b"\n")
        if not request.content.is_eof():
            response.force_close()
        return response

    async def _answer(self, request: web.BaseRequest) -> Answer:
        host = request.headers.get("host", "")
        bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if bare not in self._runtime.settings.admin.allowed_hosts:
            # A web page that makes a browser call loopback sends its own name here (DNS rebinding).
            return Refusal(reasons.INVALID_REQUEST, "this Host is not in admin.allowed_hosts")
        admin = authenticate_admin(request.headers.get("authorization"), self._runtime.admins)
        if isinstance(admin, Refusal):
            return admin
        path, _, query = request.raw_path.partition("?")
        found = self._find(request.method, path)
        if found is None:
            paths = ", ".join(f"{method} /admin/v1/{pattern}" for method, pattern in sorted(self._routes))
            return Refusal(reasons.UNKNOWN_ROUTE, f"served here: {paths}")
        role, handler, argument = found
        if admin.role < role:
            return Refusal(reasons.POLICY_DENIED, f"this needs the role {role.name.lower()}; {admin.name} has less")
        if request.method != "GET":
            _audit(admin, request.method, path)
        try:
            return await handler(argument or query)  # no route has both
        except StoreUnavailable:
            return Refusal(reasons.LIMITER_UNAVAILABLE, "the usage store does not answer", retry_after_ms=1000)

    def _find(self, method: str, path: str) -> tuple[Role, Callable[[str], Awaitable[Answer]], str] | None:
        if not path.startswith("/admin/v1/"):
            return None
        parts = path.removeprefix("/admin/v1/").split("/")
        argument = unquote(parts[1]) if len(parts) > 1 else ""  # names may hold slashes
        pattern = "/".join("*" if index == 1 else part for index, part in enumerate(parts))
        found = self._routes.get((method, pattern))
        return None if found is None else (*found, argument)

    async def _accounts(self, _: str) -> Answer:
        accounts = self._runtime.snapshot.directory.accounts.values()
        shown = [
            {"id": a.id, "org": a.org, "tier": a.tier, "verified": a.verified, "suspended": a.suspended}
            for a in accounts
        ]
        return {"accounts": shown}

    async def _account_usage(self, account_id: str) -> Answer:
        """Every limit of the account, audit ones too, and those of each of its keys."""
        directory = self._runtime.snapshot.directory
        account = directory.accounts.get(account_id)
        if account is None:
            return Refusal(reasons.UNKNOWN_ROUTE, "no such account")
        keys = {key_id: record for key_id, record in directory.keys.items() if record.principal.account is account}
        limits: dict[str, dict[str, Any]] = {}
        for key_id in keys or [""]:
            for limit, entry in await usage_of(self._runtime, Principal(account, key_id)):
                if limit.scope == "key":
                    entry["key"] = key_id
                limits[limit.spec.key + limit.mode] = entry
        shown = [{"id": key_id, "label": one.label, "revoked": one.revoked} for key_id, one in keys.items()]
        return {"account": account.id, "tier": account.tier, "keys": shown, "limits": list(limits.values())}

    async def _reservations(self, _: str) -> Answer:
        held = await self._runtime.store.held()
        return {
            "reservations": [
                {
                    "id": one.id,
                    "limits": list(one.keys),
                    "amounts": one.amounts,
                    "reserved_at_ms": one.reserved_at_ms,
                    "expires_at_ms": one.expires_at_ms,
                }
                for one in held
            ]
        }

    async def _decisions(self, query: str) -> Answer:
        """The newest decisions; with `?account=NAME` those of one account."""
        wanted = parse_qs(query).get("account")
        records = (r for r in self._runtime.ring.newest(RING_LIMIT) if wanted is None or r.account in wanted)
        return {"decisions": [record.as_dict() for record in islice(records, _RECENT)]}

    async def _decision(self, record_id: str) -> Answer:
        record = self._runtime.ring.find(record_id)
        if record is None:
            return Refusal(reasons.UNKNOWN_ROUTE, "no such decision in memory; older ones are in the decision log")
        return record.as_dict()

    async def _upstreams(self, _: str) -> Answer:
        statuses = self._runtime.pipeline.bridge.snapshot()
        return {"upstreams": [{"name": s.name, "healthy": s.healthy, "outstanding": s.outstanding} for s in statuses]}

    async def _policies(self, _: str) -> Answer:
        policies = self._runtime.snapshot.policies
        shown = [
            {"id": p.id, "title": p.title, "mode": p.effective_mode, "status": p.status} for p in policies.policies
        ]
        return {"revision": policies.revision, "policies": shown}

    async def _reload(self, _: str) -> Answer:
        problems = await self._runtime.reload()
        return {"reloaded": not problems, "revision": self._runtime.snapshot.policies.revision, "problems": problems}


def _audit(admin: Admin, method: str, path: str) -> None:
    log.info("admin call", extra={"fields": {"admin": admin.name, "method": method, "path": path}})
