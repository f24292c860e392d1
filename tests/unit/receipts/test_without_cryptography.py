"""A gateway without receipts never loads cryptography: start and memory are for those who sign."""

from pathlib import Path

from tests.support.loading import SERVING, loads

ROOM = Path(__file__).parents[3] / "gateway" / "receipts"
PURE = sorted(path.stem for path in ROOM.glob("*.py") if path.stem not in {"__init__", "jws"})


def test_serve_does_not():
    assert not loads("cryptography", *SERVING)


def test_the_rest_of_the_room_does_not():
    assert {"claims", "receipts", "sqlite", "store"} <= set(PURE)
    assert not loads("cryptography", *(f"gateway.receipts.{name}" for name in PURE))


def test_signing_does():
    assert loads("cryptography", "gateway.receipts.jws")
