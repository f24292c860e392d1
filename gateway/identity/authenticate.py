"""From credentials to a principal: pure, synchronous, and the same work whatever was sent.

How close a secret came must not show in the time an answer takes, so every credential costs one comparison and one
hash, or none where its connection has sent the very same before: unknown keys are compared with a record that nobody
has. Whether an id is in memory may show in the time of a look-up in the store before that: ids are public.
"""

from hmac import compare_digest
from typing import Final

from gateway.core import reasons
from gateway.core.account import CLEAR, Principal
from gateway.core.refusal import Refusal
from gateway.identity.directory import Directory, KeyRecord
from gateway.identity.keys import ADMIN_PREFIX, PREFIX, ParsedKey, digest, parse
from gateway.identity.standings import Standings

_NO_KEY: Final = ParsedKey("", b"-" * 27, intact=False)
_ALL_CLEAR: Final = Standings()
_USUAL: Final = f"Bearer {PREFIX}"
"""How most write the header."""
_KEY_AT: Final = len("Bearer ")


class Claim:
    """The one credential of a request, or of all that come with the same head; taken apart and not believed yet."""

    __slots__ = ("_hashed", "_pepper", "key", "text")

    def __init__(self, text: str, key: ParsedKey) -> None:
        self.text = text
        self.key = key
        self._pepper: bytes | None = None
        self._hashed = b""

    def hashed(self, pepper: bytes) -> bytes:
        """`digest` of its secret. A claim that is made again is not hashed again, whether it is true or not."""
        if self._pepper != pepper:
            self._pepper, self._hashed = pepper, digest(self.key.secret, pepper)
        return self._hashed

    def id_outside(self, directory: Directory) -> str | None:
        """The id to look up elsewhere: of a key that is whole and not in the directory."""
        key = self.key
        return key.id if key.intact and key.id not in directory.keys else None


def claim(authorization: str | None, x_api_key: str | None) -> Claim | Refusal:
    """What the headers hold, or why they do not hold one credential."""
    text = credential(authorization, x_api_key)
    return text if isinstance(text, Refusal) else Claim(text, parse(text) or _NO_KEY)


def authenticate(
    claimed: Claim | Refusal,
    directory: Directory,
    now_ms: int,
    stored: KeyRecord | None = None,
    standings: Standings = _ALL_CLEAR,
) -> Principal | Refusal:
    """The caller, or why the claim does not name one. Messages never quote a key.

    `stored` is the record of a key that is not in the directory, where one was found; `standings` are what people made
    of accounts, wherever those stand.
    """
    if isinstance(claimed, Refusal):
        return claimed
    key = claimed.key
    record = directory.keys.get(key.id) or stored or directory.nobody
    same = compare_digest(claimed.hashed(record.pepper), record.digest)
    if not same or not key.intact or record is directory.nobody:
        return _unknown(claimed.text, key)
    if record.revoked:
        return _refuse("the API key was revoked")
    if record.expires_ms is not None and record.expires_ms <= now_ms:
        return _refuse("the API key has expired")
    # What the file says of an account counts, wherever the key is kept.
    account = directory.accounts.get(record.principal.account.id, record.principal.account)
    if account.suspended:
        return Refusal(reasons.ACCOUNT_SUSPENDED, "the account is suspended")
    account = standings.of(account)
    if account.standing != CLEAR:  # few have ever been anything else
        blocked = standings.refusal(account, now_ms)
        if blocked is not None:
            return blocked
    return record.principal if account is record.principal.account else Principal(account, key.id)


def credential(authorization: str | None, x_api_key: str | None) -> str | Refusal:
    """The one credential of a request, from either header or the same in both."""
    bearer = None
    if x_api_key is None and authorization is not None and authorization.startswith(_USUAL):
        return authorization[_KEY_AT:].strip()  # what comes of it below as well
    if authorization is not None:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return _refuse("expected the header authorization: Bearer <key>, or x-api-key")
        bearer = value.strip()
    other = x_api_key.strip() if x_api_key is not None else None
    if bearer is not None and other is not None and bearer != other:  # both are the caller's own: nothing to leak
        return Refusal(
            reasons.CONFLICTING_CREDENTIALS, "authorization and x-api-key hold different keys: send one of them"
        )
    text = bearer if bearer is not None else other
    if not text:
        return _refuse("no API key: send it in the header authorization: Bearer <key>, or x-api-key")
    return text


def _unknown(text: str, key: ParsedKey) -> Refusal:
    """What can be told without telling whether the id exists."""
    if text.startswith(ADMIN_PREFIX):
        return _refuse("this is an admin token: it never calls inference; send an API key")
    if key is _NO_KEY:
        return _refuse("this is not an API key of this gateway: its form is wrong")
    if not key.intact:
        return _refuse("the API key was mistyped or cut: its check digits do not agree")
    return _refuse("the API key is not known")


def _refuse(message: str) -> Refusal:
    return Refusal(reasons.INVALID_API_KEY, message)
