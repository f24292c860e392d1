"""The admin API of the usage store itself: is its ledger right, and a copy of it."""

from datetime import UTC, datetime
from pathlib import Path

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.identity.admins import Role
from gateway.runtime import Runtime
from gateway.server.admin_call import AdminCall, Answer, Route, Routes
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.open import SUFFIX

_SQLITE = "sqlite:"
_SHOWN = 100


class AdminLedger:
    """Verify and backup."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def routes(self) -> Routes:
        return {
            ("GET", "ledger"): Route(Role.READ, self._verify),
            ("POST", "backup"): Route(Role.OPERATE, self._backup),
        }

    async def _verify(self, _: AdminCall) -> Answer:
        try:
            report = await self._runtime.store.verify()
        except StoreUnavailable as error:
            return _told(error)
        return {
            "counters": report.counters,
            "entries": report.entries,
            "last": report.last,
            "mismatches": [
                {"key": one.key, "label": one.label, "counted": one.counted, "explained": one.explained}
                for one in report.mismatches[:_SHOWN]
            ],
        }

    async def _backup(self, call: AdminCall) -> Answer:
        """Beside the database: a path from outside would let an operator write where only the gateway may."""
        now = datetime.fromtimestamp(self._runtime.clock.now_ms() // 1000, UTC)
        path = Path(self._runtime.settings.store.removeprefix(_SQLITE))
        copy = path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%SZ}")
        accounts = path.with_name(f"{path.name}{SUFFIX}.{now:%Y%m%dT%H%M%SZ}")
        try:
            await self._runtime.store.backup(copy)
            await self._runtime.accounts.book.backup(accounts)
        except StoreUnavailable as error:
            return _told(error)
        call.notes["file"] = copy.name
        return {"file": str(copy), "accounts": str(accounts), "bytes": copy.stat().st_size + accounts.stat().st_size}


def _told(error: StoreUnavailable) -> Refusal:
    """What no waiting will change is the caller's mistake."""
    if error.transient:
        raise error
    return Refusal(reasons.INVALID_REQUEST, str(error))
