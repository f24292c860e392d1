"""The admin API of accounts: those of accounts.yaml to look at, those of the store to change."""

import asyncio
from itertools import islice
from typing import Any

from gateway import yamlio
from gateway.core import reasons
from gateway.core.account import Account, Principal
from gateway.core.refusal import Refusal
from gateway.identity.admins import Role
from gateway.identity.entries import Body, account_entry, account_shown, told
from gateway.identity.imports import changes_of, write_all
from gateway.identity.register import Register
from gateway.runtime import Runtime
from gateway.server.admin_call import AdminCall, Answer, Route, Routes
from gateway.server.own_routes import usage_of
from gateway.stores.book.base import Change
from gateway.validate import Document
from gateway.yamlio import YamlProblems

_KEYS_IN_USAGE = 100
_PROBLEMS = 20


class AdminAccounts:
    """Accounts, their keys' usage, orgs and imports. Keys themselves: admin_keys.py."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def routes(self) -> Routes:
        return {
            ("GET", "accounts"): Route(Role.READ, self._list),
            ("GET", "accounts/*"): Route(Role.READ, self._show),
            ("PUT", "accounts/*"): Route(Role.OPERATE, self._put),
            ("PATCH", "accounts/*"): Route(Role.OPERATE, self._patch),
            ("DELETE", "accounts/*"): Route(Role.OPERATE, self._delete),
            ("GET", "accounts/*/usage"): Route(Role.READ, self._usage),
            ("GET", "orgs/*"): Route(Role.READ, self._show_org),
            ("PUT", "orgs/*"): Route(Role.OPERATE, self._put_org),
            ("POST", "import"): Route(Role.OPERATE, self._import),
        }

    async def _list(self, call: AdminCall) -> Answer:
        """A page in the order of ids, of the file and the store together; the file wins where both have an id."""
        page = call.page()
        if isinstance(page, Refusal):
            return page
        after, limit = page
        in_file = self._runtime.snapshot.directory.accounts
        stored = await self._register.accounts(after, limit + 1)
        both = {one.account.id: self._short(one.account, "store") for one in stored}
        both |= {name: self._short(account, "file") for name, account in in_file.items() if name > after}
        ids = sorted(both)
        return {
            "accounts": [both[name] for name in ids[:limit]],
            "next": ids[limit - 1] if len(ids) > limit else None,
        }

    async def _show(self, call: AdminCall) -> Answer:
        account = self._runtime.snapshot.directory.accounts.get(call.argument)
        if account is not None:
            return {"id": account.id, **account_entry(account), "source": "file", "version": 0, "org": account.org}
        stored = await self._register.account(call.argument)
        return stored if isinstance(stored, Refusal) else account_shown(stored)

    async def _put(self, call: AdminCall) -> Answer:
        call.notes.update(what="account written", account=call.argument)
        body = await call.json()
        stored = body if isinstance(body, Refusal) else await self._register.put_account(call.argument, body)
        return stored if isinstance(stored, Refusal) else account_shown(stored)

    async def _patch(self, call: AdminCall) -> Answer:
        body = await call.json()
        if isinstance(body, Refusal):
            return body
        named = ", ".join(sorted(body)[:10]) if isinstance(body, dict) else ""
        call.notes.update(what="account changed", account=call.argument, members=named)
        stored = await self._register.patch_account(call.argument, body)
        return stored if isinstance(stored, Refusal) else account_shown(stored)

    async def _delete(self, call: AdminCall) -> Answer:
        call.notes.update(what="account deleted", account=call.argument)
        gone = await self._register.delete_account(call.argument)
        return gone if isinstance(gone, Refusal) else {"deleted": call.argument, "keys": gone}

    async def _usage(self, call: AdminCall) -> Answer:
        """Every limit of the account, audit ones too, and those of each of its keys."""
        directory = self._runtime.snapshot.directory
        account = directory.accounts.get(call.argument)
        if account is not None:
            records = (pair for pair in directory.keys.items() if pair[1].principal.account is account)
            keys = [(key_id, record.label, record.revoked) for key_id, record in islice(records, _KEYS_IN_USAGE)]
        else:
            stored = await self._register.account(call.argument)
            if isinstance(stored, Refusal):
                return stored
            account = stored.account
            page = await self._register.book.keys(account.id, "", _KEYS_IN_USAGE)
            keys = [(key.id, key.label, key.revoked) for key in page]
        open_now = await self._runtime.store.held()
        limits: dict[str, dict[str, Any]] = {}
        account = self._runtime.accounts.standings.of(account)
        for key_id in [key[0] for key in keys] or [""]:
            for limit, entry in await usage_of(self._runtime, Principal(account, key_id)):
                if limit.scope == "key":
                    entry["key"] = key_id
                spec = limit.spec
                entry["held"] = sum(one.amounts.get(spec.unit, 0) for one in open_now if spec.key in one.keys)
                limits[limit.spec.key + limit.mode] = entry
        shown = [{"id": key_id, "label": label, "revoked": revoked} for key_id, label, revoked in keys]
        return {"account": account.id, "tier": account.tier, "keys": shown, "limits": list(limits.values())}

    async def _show_org(self, call: AdminCall) -> Answer:
        org = await self._register.org(call.argument)
        in_file = call.argument in self._runtime.snapshot.directory.suspended_orgs
        return {"id": org.id, "suspended": org.suspended or in_file, "version": org.version}

    async def _put_org(self, call: AdminCall) -> Answer:
        body = await call.json()
        if isinstance(body, Refusal):
            return body
        call.notes.update(what="org written", org=call.argument)
        org = await self._register.put_org(call.argument, body)
        return org if isinstance(org, Refusal) else {"id": org.id, "suspended": org.suspended, "version": org.version}

    async def _import(self, call: AdminCall) -> Answer:
        """An accounts.yaml, or the same as JSON: checked as a whole before anything is written."""
        call.notes.update(what="accounts imported")
        body = await (call.raw() if call.has_yaml else call.json())
        if isinstance(body, Refusal):
            return body
        # Off the loop: a document of the largest size takes seconds to read.
        changes = await asyncio.to_thread(self._read, body)
        imported = changes if isinstance(changes, Refusal) else await write_all(self._register, changes)
        if isinstance(imported, Refusal):
            return imported
        call.notes.update(accounts=imported.accounts, keys=imported.keys, changed=imported.changed)
        return {
            "orgs": imported.orgs,
            "accounts": imported.accounts,
            "keys": imported.keys,
            "changed": imported.changed,
            "in_file": imported.in_file,
            "first_in_file": list(imported.first_in_file),
        }

    def _read(self, body: Any) -> list[Change] | Refusal:
        try:
            document: Document = _yaml(body) if isinstance(body, bytes) else Body(body)
            return changes_of(document, self._runtime.accounts.peppers, self._runtime.clock.now_ms())
        except YamlProblems as error:
            problems = [str(one) if isinstance(body, bytes) else told(one) for one in error.problems]
            more = f"; and {len(problems) - _PROBLEMS} more" if len(problems) > _PROBLEMS else ""
            return Refusal(reasons.INVALID_FIELD, "; ".join(problems[:_PROBLEMS]) + more)

    def _short(self, account: Account, source: str) -> dict[str, Any]:
        return {
            "id": account.id,
            "org": account.org,
            "tier": account.tier,
            "verified": account.verified,
            "suspended": account.suspended,
            "standing": self._runtime.accounts.standings.standing(account.id, self._runtime.clock.now_ms()),
            "source": source,
        }

    @property
    def _register(self) -> Register:
        return self._runtime.accounts.register


def _yaml(body: bytes) -> yamlio.Loaded:
    try:
        return yamlio.load(body.decode("utf-8-sig"), "body")
    except UnicodeDecodeError:
        raise YamlProblems([yamlio.Problem("body", 1, 1, "not UTF-8")]) from None
