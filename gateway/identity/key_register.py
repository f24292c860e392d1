"""What operators do to keys in the book: make, rotate, revoke, list. A key's text is shown once and never stored."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gateway.core import reasons
from gateway.core.clock import Clock
from gateway.core.refusal import Refusal
from gateway.identity.entries import NewKeyBody, RotateBody, checked
from gateway.identity.keys import Pepper, digest, new_key, parse
from gateway.identity.register import TRIES, Register, contended
from gateway.stores.book.base import Kind, Put, StoredKey, Written


class KeyRegister:
    """Keys of the accounts in a register. Each operation raises StoreUnavailable when the book does not answer."""

    def __init__(self, register: Register, clock: Clock, peppers: Callable[[], Sequence[Pepper]]) -> None:
        self._register = register
        self._clock = clock
        self._peppers = peppers

    async def list(self, account_id: str, after: str, limit: int) -> list[StoredKey] | Refusal:
        found = await self._register.account(account_id)
        return found if isinstance(found, Refusal) else await self._register.book.keys(account_id, after, limit)

    async def create(self, account_id: str, body: Any) -> tuple[str, StoredKey] | Refusal:
        """A new key, whose text nobody sees again."""
        wanted = self._register.own_account(account_id) or checked(body, NewKeyBody)
        if isinstance(wanted, Refusal):
            return wanted
        made = self._make(account_id, wanted.label, wanted.expires)
        if isinstance(made, Refusal):
            return made
        missing = await self._register.account(account_id)
        if isinstance(missing, Refusal):
            return missing
        written = await self._register.write([Put(made[1], expected=0)])
        return written if isinstance(written, Refusal) else made

    async def rotate(self, key_id: str, body: Any) -> tuple[str, StoredKey, StoredKey] | Refusal:
        """A new key for the same account, and an end for the old one: both or neither."""
        wanted = checked(body, RotateBody)
        if isinstance(wanted, Refusal):
            return wanted
        for _ in range(TRIES):
            old = await self._key(key_id)
            if isinstance(old, Refusal):
                return old
            now_ms = self._clock.now_ms()
            if old.revoked or (old.expires_ms is not None and old.expires_ms <= now_ms):
                return Refusal(reasons.INVALID_FIELD, "the key is revoked or has expired: make a new one")
            expires_ms = old.expires_ms if wanted.expires is None else wanted.expires
            made = self._make(old.account, old.label if wanted.label is None else wanted.label, expires_ms)
            if isinstance(made, Refusal):
                return made
            end_ms = now_ms + wanted.grace_s * 1000
            ended = replace(old, expires_ms=end_ms if old.expires_ms is None else min(old.expires_ms, end_ms))
            outcome = await self._register.write([Put(made[1], expected=0), Put(ended, old.version)])
            if isinstance(outcome, Written):
                return *made, ended
        return contended()

    async def revoke(self, key_id: str) -> StoredKey | Refusal:
        """Refuse a key from now on. There is no way back."""
        for _ in range(TRIES):
            old = await self._key(key_id)
            if isinstance(old, Refusal) or old.revoked:
                return old
            revoked = replace(old, revoked=True)
            outcome = await self._register.write([Put(revoked, old.version)])
            if isinstance(outcome, Written):
                return revoked
        return contended()

    async def _key(self, key_id: str) -> StoredKey | Refusal:
        if key_id in self._register.directory().keys:
            return Refusal(reasons.INVALID_FIELD, f"the key '{key_id}' is in accounts.yaml: change it there")
        found = (await self._register.book.get([(Kind.KEY, key_id)])).get((Kind.KEY, key_id))
        return found if isinstance(found, StoredKey) else Refusal(reasons.UNKNOWN_ROUTE, "no such key")

    def _make(self, account_id: str, label: str, expires_ms: int | None) -> tuple[str, StoredKey] | Refusal:
        peppers, now_ms = self._peppers(), self._clock.now_ms()
        if not peppers:
            return Refusal(reasons.INVALID_FIELD, "no pepper is configured: set key_pepper_files")
        if expires_ms is not None and expires_ms <= now_ms:
            return Refusal(reasons.INVALID_FIELD, "expires: expected a moment to come", param="expires")
        text = new_key()
        parsed = parse(text)
        assert parsed is not None
        hashed = digest(parsed.secret, peppers[0].value)
        return text, StoredKey(
            parsed.id, account_id, hashed, peppers[0].id, label, expires_ms, created_ms=now_ms
        )  # fmt: skip
