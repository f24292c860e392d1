"""The book of many gateways: Redis, every call one script over keys of one slot.

All of it lies in one slot, so that a key, its account and its org are read together and a write is all or nothing,
in a cluster too: a million keys take about 0.4 GiB of that node. A write reads its rows, decides here
(plan.py) and writes if nothing has changed meanwhile. Revisions are the server's time.

Redis replicates later than it answers: a failover can lose the last writes, a revocation among them, within the bounds
of its own persistence settings.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from gateway.core.redis_target import Target
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import (
    LOG_LENGTH,
    BookConflict,
    Change,
    Changes,
    Counts,
    Entry,
    Found,
    Kind,
    Ref,
    StoredAccount,
    StoredKey,
    StoredOrg,
    Written,
    require_few,
)
from gateway.stores.book.codec import FORMAT, body_of, entry_of
from gateway.stores.book.plan import STILL_HAS_KEYS, Step, needed, plan, require_listed
from gateway.stores.redis.asking import Asking
from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.resp import Reply, command
from gateway.stores.redis.servers import servers, slot_of

PATIENCE_S: Final = 5.0
"""How long a page or a batch may take. Look-ups are on a request's path: the dial has their time."""
_TRIES: Final = 8
_TAG: Final = "gwa1"
_PARTS: Final = (
    "meta", "account", "key", "org", "accounts", "keys", "changes", "standing", "standings", "switch", "switches",
    "suspended",
)  # fmt: skip
_KEYS: Final = tuple(f"{{{_TAG}}}:{part}" for part in _PARTS)
_WHICH: Final = {Kind.ACCOUNT: "2", Kind.KEY: "3", Kind.ORG: "4", Kind.STANDING: "8", Kind.SWITCH: "10"}
"""Where the rows of a kind are, counted as Lua counts."""
_IDS: Final = {Kind.ACCOUNT: "5", Kind.KEY: "6", Kind.STANDING: "9", Kind.SWITCH: "11"}
"""Where the ids of its rows are, in order; write.lua knows too."""
_KINDS: Final = {which: kind for kind, which in _WHICH.items()}


@cache
def _script(name: str) -> str:
    return resources.files("gateway.stores.book").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


class RedisBook:
    """Accounts that every replica sees. Long answers come over another connection than look-ups do."""

    name = "redis"

    def __init__(self, target: Target, dial: Dial | None = None) -> None:
        dial = dial or Dial(db=target.db, username=target.username)
        self._slot = slot_of(_TAG.encode())
        self._quick = Asking(servers(target, dial))
        self._patient = Asking(servers(target, replace(dial, timeout_s=PATIENCE_S)))

    async def open(self) -> None:
        try:
            found = _text(await self._run(self._patient, "open", FORMAT))
        except StoreUnavailable:
            await self.close()
            raise
        if found != FORMAT:
            await self.close()
            message = f"the accounts in Redis have format {found}, this version reads format {FORMAT}"
            raise StoreUnavailable(message, transient=False)

    async def find(self, key_id: str) -> Found:
        revision, *rows = _texts(await self._run(self._quick, "find", key_id))
        if not rows:
            return Found(int(revision))
        key_row, account_id, account_row, org_row = rows
        key, account = _entry((Kind.KEY, key_id), key_row), _entry((Kind.ACCOUNT, account_id), account_row)
        org = _entry((Kind.ORG, ""), org_row)
        assert isinstance(key, StoredKey)
        assert isinstance(account, StoredAccount)
        return Found(int(revision), key, account.account, isinstance(org, StoredOrg) and org.suspended)

    async def get(self, refs: Sequence[Ref]) -> dict[Ref, Entry]:
        require_few("rows", len(refs))
        found = ((ref, _entry(ref, row)) for ref, row in zip(refs, await self._rows(refs), strict=True))
        return {ref: entry for ref, entry in found if entry is not None}

    async def _rows(self, refs: Sequence[Ref]) -> list[str]:
        names = [part for kind, row_id in refs for part in (_WHICH[kind], row_id)]
        return _texts(await self._run(self._patient, "get", *names))

    async def accounts(self, after: str, limit: int) -> list[StoredAccount]:
        require_few("accounts", limit)
        page = await self._page(Kind.ACCOUNT, f"({after}" if after else "-", "+", limit, skip=0)
        return [entry for entry in page if isinstance(entry, StoredAccount)]

    async def keys(self, account_id: str, after: str, limit: int) -> list[StoredKey]:
        require_few("keys", limit)
        page = await self._page(
            Kind.KEY, f"({account_id} {after}", f"({account_id}!", limit, skip=len(account_id.encode()) + 1
        )
        return [entry for entry in page if isinstance(entry, StoredKey)]

    async def rows(self, kind: Kind, after: str, limit: int) -> list[Entry]:
        require_listed(kind)
        require_few("rows", limit)
        return await self._page(kind, f"({after}" if after else "-", "+", limit, skip=0)

    async def _page(self, kind: Kind, first: str, last: str, limit: int, *, skip: int) -> list[Entry]:
        found = _texts(await self._run(self._patient, "list", _WHICH[kind], _IDS[kind], first, last, limit, skip))
        page = (_entry((kind, row_id), row) for row_id, row in zip(found[::2], found[1::2], strict=True))
        return [entry for entry in page if entry is not None]

    async def count(self) -> Counts:
        accounts, suspended = _texts(await self._run(self._patient, "count"))
        return Counts(int(accounts), int(suspended))

    async def write(self, changes: Sequence[Change]) -> Written:
        for _ in range(_TRIES):
            refs = needed(changes)
            rows = await self._rows(refs)
            entries = {ref: _entry(ref, row) for ref, row in zip(refs, rows, strict=True)}
            steps = plan(changes, {ref: entry for ref, entry in entries.items() if entry}, lambda _: False)
            if not steps:
                return Written((await self.changes(0)).revision, 0)
            emptied = [step.ref[1] for step in steps if step.entry is None and step.ref[0] is Kind.ACCOUNT]
            seen = zip(refs, rows, strict=True)
            checks = [part for (kind, row_id), row in seen for part in (_WHICH[kind], row_id, row)]
            words: list[str | int] = [
                LOG_LENGTH,
                len(refs),
                *checks,
                len(emptied),
                *emptied,
                len(steps),
                *_steps(steps),
            ]
            answer = _texts(await self._run(self._patient, "write", *words))
            if len(answer) == 1:
                return Written(int(answer[0]), len(steps))
            if answer:
                raise BookConflict((Kind.ACCOUNT, answer[1]), STILL_HAS_KEYS)
        raise StoreUnavailable("the accounts in Redis change faster than they can be written")

    async def changes(self, since: int) -> Changes:
        revision, known, *members = _texts(await self._run(self._quick, "changes", since))
        if known == "0":
            return Changes(int(revision), None)
        refs = (member.split(" ", 1) for member in members)
        # Kinds that only newer gateways keep are passed over.
        return Changes(int(revision), frozenset((_KINDS[which], row_id) for which, row_id in refs if which in _KINDS))

    async def backup(self, path: Path) -> None:  # noqa: ARG002 - the contract's
        raise StoreUnavailable("accounts in Redis are backed up with Redis", transient=False)

    async def close(self) -> None:
        for asking in (self._quick, self._patient):
            await asking.servers.close()

    async def _run(self, asking: Asking, name: str, *args: str | int) -> Reply:
        """One script, sent whole each time: Redis keeps it compiled, and none is ever missing."""
        words = ("EVAL", _script(name), str(len(_KEYS)), *_KEYS, *map(str, args))
        return await asking.ask(self._slot, command(*words))


def _steps(steps: Sequence[Step]) -> list[str]:
    return [
        part
        for step in steps
        for part in (
            _WHICH[step.ref[0]],
            step.ref[1],
            "" if step.entry is None else body_of(step.entry),
            "1" if step.known else "0",
            step.owner,
        )
    ]


def _entry(ref: Ref, row: str) -> Entry | None:
    version, _, body = row.partition(" ")
    return entry_of(ref, int(version), body) if row else None


def _text(reply: Reply) -> str:
    if not isinstance(reply, bytes):
        raise StoreUnavailable("Redis answers about accounts in a way that cannot be read", transient=False)
    return reply.decode()


def _texts(reply: Reply) -> list[str]:
    if not isinstance(reply, list):
        raise StoreUnavailable("Redis answers about accounts in a way that cannot be read", transient=False)
    return [_text(one) for one in reply]
