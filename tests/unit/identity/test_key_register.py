"""What operators do to keys: each new one opens its account, an old one ends when it was said to."""

import asyncio

import pytest

from gateway.core import reasons
from gateway.core.clock import ManualClock
from gateway.core.refusal import Refusal
from gateway.identity.key_register import KeyRegister
from gateway.identity.keys import Pepper, digest, parse
from gateway.identity.lookup import KeyLookup
from gateway.identity.register import Register
from gateway.stores.book.base import Put
from gateway.stores.book.memory import MemoryBook
from tests.support.books import account, stored_key
from tests.support.people import NOW, PEPPER, directory

DAY_MS = 86_400_000
PEPPERS = (Pepper("p2", b"another-pepper-another-pepper-another"), Pepper("p1", PEPPER))
K1 = stored_key().id


def scene(body, *, peppers=PEPPERS) -> None:
    """Run `body(keys, book, clock)`: acme has the key k1 in the book, the file has acme-prod with the key good."""

    async def run():
        book, clock = MemoryBook(), ManualClock(NOW)
        lookup = KeyLookup(book, clock, most_keys=100, stale_s=60)
        lookup.configure(peppers, frozenset())
        register = Register(book, lookup, clock, directory)
        await book.write([Put(account()), Put(stored_key(label="laptop"))])
        await body(KeyRegister(register, clock, lambda: peppers), book, clock)

    asyncio.run(run())


def says(answer, *words: str, reason=reasons.INVALID_FIELD) -> bool:
    assert isinstance(answer, Refusal), answer
    return answer.reason is reason and all(word in answer.message for word in words)


def test_a_new_key_is_stored_as_a_hash_with_the_first_pepper():
    async def body(keys, book, _clock):
        text, made = await keys.create("acme", {"label": "ci", "expires": "2099-01-01"})
        parsed = parse(text)
        found = (await book.find(parsed.id)).key
        assert (found.digest, found.pepper) == (digest(parsed.secret, PEPPERS[0].value), "p2")
        assert (found.account, found.label, found.expires_ms, found.created_ms) == (
            "acme",
            "ci",
            4_070_908_800_000,
            NOW,
        )
        assert made.id == parsed.id
        assert parsed.secret.decode() not in repr(made)
        listed = await keys.list("acme", "", 10)
        assert {key.id for key in listed} == {K1, parsed.id}

    scene(body)


@pytest.mark.parametrize(
    ("of", "body", "words", "reason"),
    [
        ("nobody", {}, ["no such account"], reasons.UNKNOWN_ROUTE),
        ("acme-prod", {}, ["is in accounts.yaml"], reasons.INVALID_FIELD),
        ("acme", {"expires": "2020-01-01"}, ["expected a moment to come"], reasons.INVALID_FIELD),
        ("acme", {"expires": "soon"}, ["expires: expected a date"], reasons.INVALID_FIELD),
        ("acme", {"lable": "x"}, ["unknown key 'lable'"], reasons.INVALID_FIELD),
        ("acme", {"label": "x\n"}, ["label: expected one line"], reasons.INVALID_FIELD),
    ],
)
def test_a_key_that_cannot_be_made(of, body, words, reason):
    async def run(keys, book, _clock):
        assert says(await keys.create(of, body), *words, reason=reason)
        assert [key.id for key in await book.keys("acme", "", 10)] == [K1]

    scene(run)


def test_without_a_pepper_no_key_is_made():
    async def body(keys, _book, _clock):
        assert says(await keys.create("acme", {}), "key_pepper_files")

    scene(body, peppers=())


def test_a_rotated_key_works_on_for_its_grace_and_hands_on_its_label():
    async def body(keys, book, clock):
        text, made, old = await keys.rotate(K1, {})
        assert (made.label, made.expires_ms, made.account) == ("laptop", None, "acme")
        assert old.expires_ms == NOW + DAY_MS
        assert (await book.find(K1)).key.expires_ms == NOW + DAY_MS
        assert (await book.find(parse(text).id)).account.id == "acme"
        clock.advance(3600)
        _, newer, old = await keys.rotate(K1, {"grace_s": 5, "label": "phone", "expires": "2099-01-01"})
        assert (old.expires_ms, newer.label, newer.expires_ms) == (NOW + 3_605_000, "phone", 4_070_908_800_000)
        _, _, old = await keys.rotate(K1, {"grace_s": 2_592_000})
        assert old.expires_ms == NOW + 3_605_000, "grace never makes a key live longer than it would have"
        clock.advance(5)
        assert says(await keys.rotate(K1, {}), "revoked or has expired")

    scene(body)


def test_what_cannot_be_rotated():
    async def body(keys, _book, _clock):
        assert says(await keys.rotate("nobody000000", {}), "no such key", reason=reasons.UNKNOWN_ROUTE)
        assert says(await keys.rotate("good00000000", {}), "is in accounts.yaml")
        assert says(await keys.rotate(K1, {"grace_s": -1}), "grace_s")
        assert says(await keys.rotate(K1, {"grace": 1}), "unknown key 'grace'")
        await keys.revoke(K1)
        assert says(await keys.rotate(K1, {}), "revoked")

    scene(body)


def test_revoking_is_for_good_and_can_be_said_twice():
    async def body(keys, book, _clock):
        first = await keys.revoke(K1)
        assert first.revoked
        revision = (await book.changes(0)).revision
        assert (await keys.revoke(K1)).revoked
        assert (await book.changes(0)).revision == revision
        assert says(await keys.revoke("nobody000000"), "no such key", reason=reasons.UNKNOWN_ROUTE)
        assert says(await keys.revoke("good00000000"), "is in accounts.yaml")

    scene(body)


def test_two_who_change_a_key_at_once_both_have_their_way():
    async def body(keys, book, _clock):
        await asyncio.gather(keys.rotate(K1, {"grace_s": 60}), keys.revoke(K1))
        found = (await book.find(K1)).key
        assert (found.revoked, found.expires_ms in (None, NOW + 60_000)) == (True, True)

    scene(body)
