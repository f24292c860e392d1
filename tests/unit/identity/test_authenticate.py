"""Who is let in, what the others are told, and that every credential costs the same work."""

import dataclasses
from collections.abc import Iterator

import pytest

from gateway.core import reasons
from gateway.core.account import Account, Principal
from gateway.core.refusal import Refusal
from gateway.identity import authenticate as authenticating
from gateway.identity.admins import new_admin_token
from gateway.identity.authenticate import Claim, authenticate, claim
from gateway.identity.keys import digest, new_key
from tests.support.people import NOW, PEPPER, directory, key, record

DIRECTORY = directory()
GOOD = key("good")


def attempt(text: str) -> Principal | Refusal:
    return authenticate(claim(f"Bearer {text}", None), DIRECTORY, NOW)


@pytest.mark.parametrize(
    ("authorization", "x_api_key"),
    [(f"Bearer {GOOD}", None), (f"bearer {GOOD}", None), (f"BEARER  {GOOD} ", None), (None, GOOD), (None, f" {GOOD}"),
     (f"Bearer {GOOD}", GOOD)],
)  # fmt: skip
def test_a_good_key_is_let_in(authorization: str | None, x_api_key: str | None):
    who = authenticate(claim(authorization, x_api_key), DIRECTORY, NOW)
    assert isinstance(who, Principal)
    assert (who.account.id, who.key_id) == ("acme-prod", "good00000000")


def test_a_key_hashed_with_the_older_pepper_is_let_in():
    assert isinstance(attempt(key("old")), Principal)


def test_a_key_expires_at_its_moment():
    assert isinstance(authenticate(claim(None, key("late")), DIRECTORY, NOW - 1), Principal)
    assert isinstance(authenticate(claim(None, key("late")), DIRECTORY, NOW), Refusal)


WRONG_SECRET = key("good", "T" * 27)
MISTYPED = GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("text", "says"),
    [(WRONG_SECRET, "not known"), (new_key(), "not known"), (MISTYPED, "check digits"), ("hello", "form"),
     (key("late"), "expired"), (key("gone"), "revoked"), (new_admin_token(), "admin token"), ("\udcff\udcfe", "form"),
     (key("gone", "T" * 27), "not known"), (key("late", "T" * 27), "not known"), (key("held", "T" * 27), "not known")],
)  # fmt: skip
def test_bad_keys_are_told_why_and_nothing_more(text: str, says: str):
    refusal = attempt(text)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reasons.INVALID_API_KEY
    assert says in refusal.message
    assert text not in repr(refusal)


def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer():
    assert attempt(WRONG_SECRET) == attempt(new_key())


def test_a_suspended_account_is_told_so_only_with_its_key():
    refusal = attempt(key("held"))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reasons.ACCOUNT_SUSPENDED


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "reason"),
    [
        (f"Bearer {GOOD}", key("old"), reasons.CONFLICTING_CREDENTIALS),
        (f"Bearer {GOOD}", "", reasons.CONFLICTING_CREDENTIALS),
        (f"Bearer {GOOD}", GOOD + "\udcff", reasons.CONFLICTING_CREDENTIALS),
        (None, None, reasons.INVALID_API_KEY),
        (None, "", reasons.INVALID_API_KEY),
        ("Bearer", None, reasons.INVALID_API_KEY),
        ("Bearer ", None, reasons.INVALID_API_KEY),
        (f"Basic {GOOD}", None, reasons.INVALID_API_KEY),
        (f"Basic {GOOD}", GOOD, reasons.INVALID_API_KEY),
        (GOOD, None, reasons.INVALID_API_KEY),
    ],
)
def test_headers_that_name_no_single_key(authorization: str | None, x_api_key: str | None, reason: reasons.Reason):
    refusal = authenticate(claim(authorization, x_api_key), DIRECTORY, NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason
    assert GOOD not in repr(refusal)


def test_the_record_that_unknown_keys_are_compared_with_opens_nothing():
    stand_in = dataclasses.replace(DIRECTORY.nobody, digest=digest(b"S" * 27, PEPPER))
    refusal = authenticate(claim(None, key("unknown")), dataclasses.replace(DIRECTORY, nobody=stand_in), NOW)
    assert isinstance(refusal, Refusal)
    assert "not known" in refusal.message


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Counts the costly steps of one authentication."""
    steps: list[str] = []
    for name in ("digest", "compare_digest"):
        real = getattr(authenticating, name)

        def counted(*args: bytes, _real: object = real, _name: str = name) -> object:
            steps.append(_name)
            return _real(*args)  # type: ignore[operator]

        monkeypatch.setattr(authenticating, name, counted)
    return steps


@pytest.mark.parametrize(
    "text",
    [GOOD, key("old"), WRONG_SECRET, new_key(), MISTYPED, "hello", key("late"), key("gone"), key("held"), "\udcff"],
)
def test_every_credential_costs_one_hash_and_one_comparison(work: list[str], text: str):
    attempt(text)
    assert work == ["digest", "compare_digest"]


@pytest.mark.parametrize("text", [GOOD, WRONG_SECRET, new_key(), "hello", key("gone")])
def test_a_claim_that_is_made_again_is_compared_again_but_not_hashed(work: list[str], text: str):
    """Whether it is true or not: by the time it takes nobody learns which."""
    claimed = claim(f"Bearer {text}", None)
    first, again = (authenticate(claimed, DIRECTORY, NOW) for _ in range(2))
    assert work == ["digest", "compare_digest", "compare_digest"]
    assert isinstance(first, Principal) == isinstance(again, Principal) == (text == GOOD)


def test_a_claim_is_hashed_with_the_pepper_of_its_record():
    """Also where it was asked for under another one before: a key that came into the book meanwhile."""
    claimed = claim(None, key("shop"))
    assert isinstance(authenticate(claimed, DIRECTORY, NOW), Refusal)
    _, made = record(Account("ada", "ada", "free"), "shop")
    stored = dataclasses.replace(made, pepper=b"another" * 5, digest=digest(b"S" * 27, b"another" * 5))
    assert isinstance(authenticate(claimed, DIRECTORY, NOW, stored), Principal)
    assert isinstance(authenticate(claimed, DIRECTORY, NOW), Refusal)


def test_a_stored_key_opens_its_account_and_never_stands_in_for_one_of_the_file():
    key_id, stored = record(Account("ada", "ada", "free"), "shop")
    who = authenticate(claim(None, key("shop")), DIRECTORY, NOW, stored)
    assert isinstance(who, Principal)
    assert (who.account.id, who.key_id) == ("ada", key_id)
    assert isinstance(authenticate(claim(None, key("shop", "T" * 27)), DIRECTORY, NOW, stored), Refusal)
    mine = authenticate(claim(None, GOOD), DIRECTORY, NOW, stored)
    assert isinstance(mine, Principal)
    assert mine.account.id == "acme-prod"


def test_what_the_file_says_of_an_account_counts_for_its_stored_keys_too():
    _, stored = record(Account("acme-prod", "acme", "another"), "shop")
    who = authenticate(claim(None, key("shop")), DIRECTORY, NOW, stored)
    assert isinstance(who, Principal)
    assert (who.account.tier, who.key_id) == ("developer", "shop00000000")
    _, stored = record(Account("held", "held", "free"), "shop")
    refusal = authenticate(claim(None, key("shop")), DIRECTORY, NOW, stored)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reasons.ACCOUNT_SUSPENDED


@pytest.mark.parametrize(
    ("text", "looked_up"),
    [(key("shop"), "shop00000000"), (GOOD, None), (MISTYPED, None), (key("shop")[:-1] + "!", None), ("hello", None)],
)
def test_only_whole_keys_that_the_file_does_not_have_are_looked_up(text: str, looked_up: str | None):
    claimed = claim(None, text)
    assert isinstance(claimed, Claim)
    assert claimed.id_outside(DIRECTORY) == looked_up
    assert text not in repr(claimed)
