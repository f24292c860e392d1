"""accounts.yaml to a snapshot, and its mistakes."""

import dataclasses

import pytest

from gateway import yamlio
from gateway.core.account import Account, Principal
from gateway.core.refusal import Refusal
from gateway.identity.authenticate import authenticate, claim
from gateway.identity.directory import Directory, directory_of, load_directory
from gateway.identity.keys import Pepper, digest
from gateway.yamlio import YamlProblems
from tests.support.people import NOW, PEPPER, key

HASH = digest(b"S" * 27, PEPPER).hex()
TEXT = f"""\
orgs:
  acme:
  dark: {{suspended: true}}
accounts:
  acme-prod: {{org: acme, tier: developer, country: DE, verified: true, declared_purpose: tests, tags: [a, b]}}
  solo: {{tier: free}}
  shade: {{org: dark, tier: free}}
keys:
  good00000000: {{account: acme-prod, hash: {HASH}, pepper: p1, label: laptop, expires: 2030-01-01}}
  shade0000000: {{account: shade, hash: {HASH}, pepper: p1}}
"""


def read(text: str) -> Directory:
    return directory_of(yamlio.load(text, "a.yaml"), [Pepper("p1", PEPPER)])


def test_reads_accounts_with_their_facts():
    accounts = read(TEXT).accounts
    assert accounts["acme-prod"] == Account(
        "acme-prod", "acme", "developer", "DE", verified=True, declared_purpose="tests", tags=frozenset({"a", "b"})
    )
    assert accounts["solo"] == Account("solo", "solo", "free")
    assert accounts["shade"].suspended


def test_keys_open_their_account():
    who = authenticate(claim(None, key("good")), read(TEXT), NOW)
    assert isinstance(who, Principal)
    assert who.account.id == "acme-prod"
    assert isinstance(authenticate(claim(None, key("shade")), read(TEXT), NOW), Refusal)
    assert isinstance(authenticate(claim(None, key("good")), read(TEXT), 1_893_456_000_000), Refusal), "2030 has begun"


def test_a_snapshot_cannot_change():
    snapshot = read(TEXT)
    with pytest.raises(TypeError):
        snapshot.accounts["x"] = snapshot.accounts["solo"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.nobody = snapshot.keys["good00000000"]  # type: ignore[misc]
    assert HASH not in repr(snapshot)
    assert PEPPER.decode() not in repr(snapshot)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("org: acme", "org: acne", "a.yaml:5:20: unknown org 'acne', did you mean 'acme'?"),
        ("account: shade", "account: shad", "a.yaml:10:27: unknown account 'shad', did you mean 'shade'?"),
        ("pepper: p1, label", "pepper: p2, label", "no pepper 'p2' is configured, expected one of: p1"),
        ("tier: free}\n  shade", "teir: free}\n  shade", "a.yaml:6:10: unknown key 'teir', did you mean 'tier'?"),
        ("country: DE", "country: de", "accounts.acme-prod.country: expected text to match pattern"),
        (HASH, HASH[:-1], "expected text to match pattern"),
        ("good00000000", "good", "a.yaml:9:3"),
        ("expires: 2030-01-01", "expires: tomorrow", "expected a date like 2026-03-01"),
        ("solo: {tier: free}", "acme: {tier: free}", "expected org: acme"),
        ("verified: true", "verified: yes", "verified: expected true or false, found the text 'yes'"),
    ],
)
def test_mistakes_are_pointed_at(old: str, new: str, expected: str):
    with pytest.raises(YamlProblems) as caught:
        read(TEXT.replace(old, new, 1))
    assert expected in str(caught.value)


def test_no_hash_is_quoted_in_a_complaint():
    with pytest.raises(YamlProblems) as caught:
        read(TEXT.replace(HASH, HASH[:30]))
    assert HASH[:30] not in str(caught.value)


def test_a_directory_without_peppers_still_compares(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("accounts: {a: {tier: t}}\n")
    assert isinstance(authenticate(claim(None, key("good")), load_directory(path, []), NOW), Refusal)


@pytest.mark.parametrize(
    ("text", "created_ms"),
    [
        ("", 0),
        (", created: 2026-03-01", 1_772_323_200_000),
        (", created: 2026-03-01T01:00:00+01:00", 1_772_323_200_000),
    ],
)
def test_an_account_may_say_when_it_was_opened(text, created_ms):
    accounts = read(f"accounts:\n  solo: {{tier: free{text}}}\n").accounts
    assert accounts["solo"].created_ms == created_ms


def test_a_moment_that_is_none_is_a_mistake():
    with pytest.raises(YamlProblems, match="expected a date like"):
        read("accounts:\n  solo: {tier: free, created: yesterday}\n")
