"""The admin API of standings: what people made of an account, and which accounts policies propose to suspend."""

from typing import Any

from gateway.core.refusal import Refusal
from gateway.identity.admins import Role
from gateway.identity.entries import moment_text
from gateway.identity.rulings import Shown, standing_shown
from gateway.policy.proposals import Proposals
from gateway.runtime import Runtime
from gateway.server.admin_call import AdminCall, Answer, Route, Routes


class AdminStandings:
    """Accounts of the file and of the store alike. Only a person changes a standing; policies propose."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def routes(self) -> Routes:
        return {
            ("GET", "accounts/*/standing"): Route(Role.READ, self._show),
            ("PUT", "accounts/*/standing"): Route(Role.OPERATE, self._put),
            ("GET", "proposals"): Route(Role.READ, self._proposed),
        }

    async def _show(self, call: AdminCall) -> Answer:
        shown = await self._runtime.accounts.rulings.show(call.argument)
        return shown if isinstance(shown, Refusal) else self._as_dict(shown)

    async def _put(self, call: AdminCall) -> Answer:
        call.notes.update(what="standing set", account=call.argument)
        body = await call.json()
        if isinstance(body, Refusal):
            return body
        shown = await self._runtime.accounts.rulings.put(call.argument, body, call.admin.name)
        if isinstance(shown, Refusal):
            return shown
        answer = self._as_dict(shown)
        call.notes.update(standing=answer["standing"], until=answer["until"] or "")
        self._proposals.decided(call.argument)
        return answer

    def _as_dict(self, shown: Shown) -> dict[str, Any]:
        return standing_shown(shown, self._runtime.accounts.appeal, self._runtime.clock.now_ms())

    async def _proposed(self, _: AdminCall) -> Answer:
        return {
            "proposals": [
                {
                    "account": one.account,
                    "policy": one.policy,
                    "rule": one.rule,
                    "count": one.count,
                    "first": moment_text(one.first_ms),
                    "last": moment_text(one.last_ms),
                }
                for one in self._proposals.newest()
            ]
        }

    @property
    def _proposals(self) -> Proposals:
        return self._runtime.pipeline.rulebook.proposals
