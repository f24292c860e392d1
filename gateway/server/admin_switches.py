"""The admin API of kill switches: take a policy, or all of them, out of force for a time, and back."""

from gateway.core.refusal import Refusal
from gateway.identity.admins import Role
from gateway.policy.switches import Switchboard, switch_shown
from gateway.runtime import Runtime
from gateway.server.admin_call import AdminCall, Answer, Route, Routes


class AdminSwitches:
    """Switches of policies by id, and of `all`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def routes(self) -> Routes:
        return {
            ("GET", "switches"): Route(Role.READ, self._list),
            ("GET", "switches/*"): Route(Role.READ, self._show),
            ("PUT", "switches/*"): Route(Role.OPERATE, self._off),
            ("DELETE", "switches/*"): Route(Role.OPERATE, self._on),
        }

    async def _list(self, _: AdminCall) -> Answer:
        """Those in force, the first to end first; then those that are over, the last first."""
        now_ms = self._runtime.clock.now_ms()
        rows = sorted(await self._board.list(), key=lambda row: (row.until_ms, row.policy))
        return {
            "switches": [switch_shown(row) for row in rows if row.runs(now_ms)],
            "over": [switch_shown(row) for row in reversed(rows) if not row.runs(now_ms)],
        }

    async def _show(self, call: AdminCall) -> Answer:
        row = await self._board.show(call.argument)
        return row if isinstance(row, Refusal) else switch_shown(row)

    async def _off(self, call: AdminCall) -> Answer:
        call.notes.update(what="policy switched off", policy=call.argument)
        body = await call.json()
        row = body if isinstance(body, Refusal) else await self._board.off(call.argument, body, call.admin.name)
        if isinstance(row, Refusal):
            return row
        shown = switch_shown(row)
        call.notes.update(until=shown["until"])
        return shown

    async def _on(self, call: AdminCall) -> Answer:
        call.notes.update(what="policy switched on", policy=call.argument)
        row = await self._board.on(call.argument, call.admin.name)
        return row if isinstance(row, Refusal) else switch_shown(row)

    @property
    def _board(self) -> Switchboard:
        runtime = self._runtime
        return Switchboard(
            runtime.accounts.register,
            runtime.clock,
            lambda: (policy.id for policy in runtime.snapshot.policies.policies),
        )
