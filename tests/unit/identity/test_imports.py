"""A whole accounts.yaml into the book."""

import asyncio

import pytest

from gateway import yamlio
from gateway.core.clock import ManualClock
from gateway.core.refusal import Refusal
from gateway.identity.entries import Body
from gateway.identity.imports import changes_of, write_all
from gateway.identity.keys import Pepper
from gateway.identity.lookup import KeyLookup
from gateway.identity.register import Register
from gateway.stores.book.base import Kind, Put, StoredAccount, StoredOrg
from gateway.stores.book.memory import MemoryBook
from gateway.yamlio import YamlProblems
from tests.support.books import account, stored_key
from tests.support.people import NOW, PEPPER, directory

PEPPERS = (Pepper("p1", PEPPER),)
TEXT = f"""\
orgs:
  globex:
  initech: {{suspended: true}}
accounts:
  acme: {{tier: free, org: globex, created: 2026-01-02}}
  acme-prod: {{tier: developer}}
keys:
  k10000000000: {{account: acme, hash: {stored_key().digest.hex()}, pepper: p1, expires: 2030-01-31, revoked: true}}
"""


def scene(body) -> None:
    async def run():
        book, clock = MemoryBook(), ManualClock(NOW)
        lookup = KeyLookup(book, clock, most_keys=100, stale_s=60)
        await body(Register(book, lookup, clock, directory), book)

    asyncio.run(run())


def document(text: str = TEXT) -> yamlio.Loaded:
    return yamlio.load(text, "body")


@pytest.mark.parametrize("as_json", [False, True])
def test_everything_of_the_file_arrives(as_json):
    loaded = Body(document().value) if as_json else document()

    async def body(register, book):
        imported = await write_all(register, changes_of(loaded, PEPPERS, NOW))
        assert (imported.orgs, imported.accounts, imported.keys, imported.changed) == (2, 2, 1, 5)
        assert (imported.in_file, imported.first_in_file) == (1, ("acme-prod",))
        found = await book.find("k10000000000")
        assert (found.account.org, found.account.created_ms) == ("globex", 1_767_312_000_000)
        assert (found.key.revoked, found.key.expires_ms, found.key.created_ms) == (True, 1_896_048_000_000, NOW)
        assert found.key.digest == stored_key().digest
        assert (await book.get([(Kind.ORG, "initech")]))[Kind.ORG, "initech"].suspended

    scene(body)


def test_once_more_changes_nothing():
    async def body(register, _book):
        await write_all(register, changes_of(document(), PEPPERS, NOW))
        again = await write_all(register, changes_of(document(), PEPPERS, NOW + 1))
        assert (again.keys, again.changed) == (1, 0)

    scene(body)


def test_a_file_does_not_bring_a_revoked_key_back():
    async def body(register, book):
        await book.write([Put(StoredAccount(account().account)), Put(stored_key(revoked=True))])
        await write_all(register, changes_of(document(TEXT.replace(", revoked: true", "")), PEPPERS, NOW))
        assert (await book.find("k10000000000")).key.revoked

    scene(body)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("account: acme,", "account: acne,", "body:8:27: unknown account 'acne', did you mean 'acme'?"),
        ("pepper: p1", "pepper: p9", "no pepper 'p9' is configured"),
        ("org: globex,", "org: glbex,", "unknown org 'glbex', did you mean 'globex'?"),
        ("tier: free,", "teir: free,", "missing key 'accounts.acme.tier'"),
        ("keys:", "kees:", "unknown key 'kees'"),
        ("k10000000000:", "short:", "keys"),
    ],
)
def test_a_document_with_a_mistake_is_refused_as_a_whole(old, new, says):
    with pytest.raises(YamlProblems) as caught:
        changes_of(document(TEXT.replace(old, new)), PEPPERS, NOW)
    assert says in str(caught.value)


def test_a_refused_batch_says_how_far_it_came(monkeypatch):
    monkeypatch.setattr("gateway.identity.imports.MAX_BATCH", 2)

    async def body(register, book):
        await book.write([Put(account()), Put(stored_key(secret="T" * 27))])
        refused = await write_all(register, changes_of(document(), PEPPERS, NOW))
        assert isinstance(refused, Refusal)
        assert "key k10000000000: it exists with another secret" in refused.message
        assert "4 of 5 rows were written before" in refused.message
        assert (await book.get([(Kind.ORG, "initech")]))[Kind.ORG, "initech"] != StoredOrg("initech")

    scene(body)
