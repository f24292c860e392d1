"""The admin API: accounts, keys, what people say of them, policies, decisions, reload. Named admins, on loopback."""

import logging
from urllib.parse import unquote

from aiohttp import web

from gateway.core import reasons
from gateway.core.ids import new_id
from gateway.core.jsonio import dumps
from gateway.core.refusal import Refusal
from gateway.dialects import OPENAI
from gateway.identity.admins import Role, authenticate_admin
from gateway.runtime import Runtime
from gateway.server.admin_accounts import AdminAccounts
from gateway.server.admin_call import MAX_BODIES, AdminCall, Answer, Route, Routes
from gateway.server.admin_keys import AdminKeys
from gateway.server.admin_ledger import AdminLedger
from gateway.server.admin_standings import AdminStandings
from gateway.server.admin_switches import AdminSwitches
from gateway.server.admin_upstreams import AdminUpstreams
from gateway.server.body import BodyBudget
from gateway.server.respond import head
from gateway.stores.base import StoreUnavailable

log = logging.getLogger("gateway")

_RECENT = 100


class AdminPlane:
    """/admin/v1/…: every call is authenticated, checked against a role, and answered as JSON."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._budget = BodyBudget(MAX_BODIES, MAX_BODIES)
        self._routes: Routes = {
            **AdminAccounts(runtime).routes,
            **AdminKeys(runtime).routes,
            **AdminStandings(runtime).routes,
            **AdminSwitches(runtime).routes,
            **AdminLedger(runtime).routes,
            **AdminUpstreams(runtime).routes,
            ("GET", "reservations"): Route(Role.READ, self._reservations),
            ("GET", "decisions"): Route(Role.READ, self._decisions),
            ("GET", "decisions/*"): Route(Role.READ, self._decision),
            ("GET", "policies"): Route(Role.READ, self._policies),
            ("POST", "reload"): Route(Role.OPERATE, self._reload),
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
        route, argument = found
        if admin.role < route.role:
            needed = route.role.name.lower()
            return Refusal(reasons.POLICY_DENIED, f"this needs the role {needed}; {admin.name} has less")
        call = AdminCall(request, admin, argument, query, self._budget)
        answer: Answer | None = None
        try:
            answer = await route.handler(call)
        except StoreUnavailable:
            answer = Refusal(reasons.LIMITER_UNAVAILABLE, "the store does not answer", retry_after_ms=1000)
        finally:
            if request.method != "GET":
                _audit(call, path, answer)
        return answer

    def _find(self, method: str, path: str) -> tuple[Route, str] | None:
        if not path.startswith("/admin/v1/"):
            return None
        parts = path.removeprefix("/admin/v1/").split("/")
        argument = unquote(parts[1]) if len(parts) > 1 else ""  # names may hold slashes
        pattern = "/".join("*" if index == 1 else part for index, part in enumerate(parts))
        found = self._routes.get((method, pattern))
        return None if found is None else (found, argument)

    async def _reservations(self, _: AdminCall) -> Answer:
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

    async def _decisions(self, call: AdminCall) -> Answer:
        """The newest decisions; with `?account=NAME` those of one account."""
        records = self._runtime.ring.newest(_RECENT, call.param("account"))
        return {"decisions": [record.as_dict() for record in records]}

    async def _decision(self, call: AdminCall) -> Answer:
        record = self._runtime.ring.find(call.argument)
        if record is None:
            return Refusal(reasons.UNKNOWN_ROUTE, "no such decision in memory; older ones are in the decision log")
        return record.as_dict()

    async def _policies(self, _: AdminCall) -> Answer:
        policies = self._runtime.snapshot.policies
        shown = [
            {"id": p.id, "title": p.title, "mode": p.effective_mode, "status": p.status} for p in policies.policies
        ]
        return {"revision": policies.revision, "policies": shown}

    async def _reload(self, _: AdminCall) -> Answer:
        problems = await self._runtime.reload()
        return {"reloaded": not problems, "revision": self._runtime.snapshot.policies.revision, "problems": problems}


def _audit(call: AdminCall, path: str, answer: Answer | None) -> None:
    """One line for each call that may change something, whatever came of it; never left out, however many there are."""
    fields = {"admin": call.admin.name, "method": call.request.method, "path": path, **call.notes}
    if answer is None:
        fields["refused"] = "interrupted"  # by a fault or a caller who left: whether it was done nobody knows
    elif isinstance(answer, Refusal):
        fields["refused"] = answer.reason.code
    log.info("admin call", extra={"fields": fields, "every": True})
