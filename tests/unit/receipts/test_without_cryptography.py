"""A gateway without receipts never loads cryptography: it is an extra."""

import subprocess
import sys
from pathlib import Path

ROOM = Path(__file__).parents[3] / "gateway" / "receipts"
PURE = sorted(path.stem for path in ROOM.glob("*.py") if path.stem not in {"__init__", "jws"})


def loads_cryptography(*names: str) -> bool:
    code = f"import sys, {', '.join(names)}; sys.exit(41 if 'cryptography' in sys.modules else 40)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode in {40, 41}
    return done.returncode == 41


def test_serve_does_not():
    assert not loads_cryptography("gateway.cli.main", "gateway.cli.serve", "gateway.cli.demo", "gateway.runtime")


def test_the_rest_of_the_room_does_not():
    assert {"claims", "receipts", "sqlite", "store"} <= set(PURE)
    assert not loads_cryptography(*(f"gateway.receipts.{name}" for name in PURE))


def test_signing_does():
    assert loads_cryptography("gateway.receipts.jws")
