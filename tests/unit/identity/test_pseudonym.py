"""Pseudonyms are stable for one secret and say nothing about the name."""

from gateway.identity.pseudonym import Pseudonyms


def test_stable_and_keyed():
    one, other = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
    assert one.of("acme") == one.of("acme") == Pseudonyms(b"a" * 32).of("acme")
    assert len({one.of("acme"), one.of("acme2"), other.of("acme")}) == 3
    assert "acme" not in one.of("acme")


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("gateway.identity.pseudonym._MAX_KNOWN", 3)
    names = Pseudonyms(b"a" * 32)
    seen = {names.of(str(number)) for number in range(10)}
    assert len(seen) == 10
    assert len(names._known) <= 3
    assert names.of("0") in seen
