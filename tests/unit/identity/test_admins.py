"""Admins: let in by their token, and kept apart from API keys."""

import hmac
from collections.abc import Callable

import pytest

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.identity.admins import Admin, Role, authenticate_admin, new_admin_token, token_hash
from gateway.identity.keys import new_key

TOKEN = new_admin_token()
ADMINS = [
    Admin("ada", Role.OPERATE, bytes.fromhex(token_hash(TOKEN))),
    Admin("bob", Role.READ, bytes.fromhex(token_hash(new_admin_token()))),
]


def test_an_admin_is_let_in_wherever_it_stands_in_the_list():
    for admins in (ADMINS, ADMINS[::-1]):
        found = authenticate_admin(f"bearer {TOKEN}", admins)
        assert isinstance(found, Admin)
        assert (found.name, found.role) == ("ada", Role.OPERATE)


@pytest.mark.parametrize(
    ("header", "says"),
    [(None, "expected the header"), ("Basic x", "expected the header"), (f"Bearer {new_admin_token()}", "not known"),
     (f"Bearer {new_key()}", "this is an API key"), ("Bearer \udcff", "not known"), (f"Bearer {TOKEN}x", "not known")],
)  # fmt: skip
def test_others_are_refused_and_told_why(header: str | None, says: str):
    refusal = authenticate_admin(header, ADMINS)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reasons.INVALID_API_KEY
    assert says in refusal.message
    assert TOKEN not in refusal.message


def test_a_text_that_is_no_admin_token_is_refused_even_if_its_hash_was_stored():
    key = new_key()
    assert isinstance(
        authenticate_admin(f"Bearer {key}", [Admin("x", Role.READ, bytes.fromhex(token_hash(key)))]), Refusal
    )


@pytest.mark.parametrize("token", [TOKEN, new_admin_token(), "x"], ids=["known", "unknown", "no token"])
def test_every_admin_is_compared_whoever_asks(monkeypatch: pytest.MonkeyPatch, token: str):
    compared: list[bytes] = []

    def counted(one: bytes, other: bytes, _real: Callable[[bytes, bytes], bool] = hmac.compare_digest) -> bool:
        compared.append(other)
        return _real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    authenticate_admin(f"Bearer {token}", ADMINS)
    assert compared == [admin.token_sha256 for admin in ADMINS]


def test_no_admins_means_nobody():
    assert isinstance(authenticate_admin(f"Bearer {TOKEN}", []), Refusal)


def test_roles_are_ordered_and_hashes_stay_out_of_repr():
    assert Role.READ < Role.OPERATE < Role.FORENSIC
    assert "token_sha256" not in repr(ADMINS[0])
