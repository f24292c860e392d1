"""What serves requests never loads numpy, nor does any file of the room but the one that scores codewords."""

from importlib.util import find_spec
from pathlib import Path

from tests.support.loading import SERVING, loads
from tests.support.needs import missing

ROOM = Path(__file__).parents[3] / "gateway" / "watermarks"
PURE = sorted(path.stem for path in ROOM.glob("*.py") if path.stem not in {"__init__", "codewords"})


def test_serve_never_imports_numpy():
    assert not loads("numpy", *SERVING)


def test_the_rest_of_the_room_does_not_need_it():
    assert len(PURE) > 8
    assert not loads("numpy", *(f"gateway.watermarks.{name}" for name in PURE))


def test_codewords_do():
    if not find_spec("numpy"):
        missing("needs numpy: make test installs requirements/watermark.txt")
    assert loads("numpy", "gateway.watermarks.codewords")
