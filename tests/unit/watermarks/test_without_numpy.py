"""What serves requests never loads numpy, nor does any file of the room but the one that scores codewords."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.support.needs import missing

ROOM = Path(__file__).parents[3] / "gateway" / "watermarks"
PURE = sorted(path.stem for path in ROOM.glob("*.py") if path.stem not in {"__init__", "codewords"})


def loads_numpy(*names: str) -> bool:
    code = f"import sys, {', '.join(names)}; sys.exit(41 if 'numpy' in sys.modules else 40)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode in {40, 41}
    return done.returncode == 41


def test_serve_never_imports_numpy():
    assert not loads_numpy("gateway.cli.main", "gateway.cli.serve", "gateway.cli.demo", "gateway.runtime")


def test_the_rest_of_the_room_does_not_need_it():
    assert len(PURE) > 8
    assert not loads_numpy(*(f"gateway.watermarks.{name}" for name in PURE))


def test_codewords_do():
    if not find_spec("numpy"):
        missing("needs numpy: make test installs requirements/watermark.txt")
    assert loads_numpy("gateway.watermarks.codewords")
