"""The admin API of keys: make, list, rotate, revoke. A key's text is in one answer, once, and nowhere else."""

from typing import Any

from gateway.core.refusal import Refusal
from gateway.identity.admins import Role
from gateway.identity.entries import key_shown, moment_text
from gateway.runtime import Runtime
from gateway.server.admin_call import AdminCall, Answer, Route, Routes


class AdminKeys:
    """Keys of accounts in the store; those of accounts.yaml can be listed."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def routes(self) -> Routes:
        return {
            ("GET", "accounts/*/keys"): Route(Role.READ, self._list),
            ("POST", "accounts/*/keys"): Route(Role.OPERATE, self._create),
            ("POST", "keys/*/rotate"): Route(Role.OPERATE, self._rotate),
            ("POST", "keys/*/revoke"): Route(Role.OPERATE, self._revoke),
        }

    async def _list(self, call: AdminCall) -> Answer:
        page = call.page()
        if isinstance(page, Refusal):
            return page
        after, limit = page
        if call.argument in self._runtime.snapshot.directory.accounts:
            shown = self._of_file(call.argument, after, limit + 1)
        else:
            keys = await self._runtime.accounts.keys.list(call.argument, after, limit + 1)
            if isinstance(keys, Refusal):
                return keys
            shown = [{**key_shown(key), "source": "store"} for key in keys]
        return {"keys": shown[:limit], "next": shown[limit - 1]["id"] if len(shown) > limit else None}

    def _of_file(self, account_id: str, after: str, limit: int) -> list[dict[str, Any]]:
        keys = self._runtime.snapshot.directory.keys
        ids = sorted(
            key_id for key_id, record in keys.items() if record.principal.account.id == account_id and key_id > after
        )
        return [
            {
                "id": key_id,
                "account": account_id,
                "label": keys[key_id].label,
                "created": None,
                "expires": moment_text(keys[key_id].expires_ms),
                "revoked": keys[key_id].revoked,
                "pepper": None,
                "source": "file",
            }
            for key_id in ids[:limit]
        ]

    async def _create(self, call: AdminCall) -> Answer:
        call.notes.update(what="key created", account=call.argument)
        body = await call.json()
        made = body if isinstance(body, Refusal) else await self._runtime.accounts.keys.create(call.argument, body)
        if isinstance(made, Refusal):
            return made
        text, key = made
        call.notes["key"] = key.id
        return {"key": text, **key_shown(key)}

    async def _rotate(self, call: AdminCall) -> Answer:
        call.notes.update(what="key rotated", key=call.argument)
        body = await call.json()
        made = body if isinstance(body, Refusal) else await self._runtime.accounts.keys.rotate(call.argument, body)
        if isinstance(made, Refusal):
            return made
        text, key, old = made
        call.notes.update(account=key.account, new_key=key.id)
        return {"key": text, **key_shown(key), "old": key_shown(old)}

    async def _revoke(self, call: AdminCall) -> Answer:
        call.notes.update(what="key revoked", key=call.argument)
        key = await self._runtime.accounts.keys.revoke(call.argument)
        return key if isinstance(key, Refusal) else key_shown(key)
