"""Large work beside requests: a reload reads and compiles for a second, and no request may notice.

Three things would keep the event loop waiting. A thread that computes hands the interpreter over every 5 ms, and a
request needs it several times: here it does so ten times as often. The collector of cycles walks over everything that
is being built, for a tenth of a second with a thousand policies: it rests meanwhile. And what goes out of use takes
half as long to free: that is done in pieces.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

Made = TypeVar("Made")

_HAND_OVER_S: Final = 0.0005
_AT_ONCE: Final = 10
"""Pieces that are freed in one go: less than a millisecond for policies."""


async def beside(work: Callable[[], Made]) -> Made:
    """Run it in a thread, one such work at a time. Raises what it raises."""
    with _giving_way():
        return await asyncio.to_thread(work)


async def let_go(pieces: list[Any]) -> None:
    """Free what nobody else holds any more."""
    while pieces:
        del pieces[-_AT_ONCE:]
        await asyncio.sleep(0.001)


@contextmanager
def _giving_way() -> Iterator[None]:
    interval, collecting = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(_HAND_OVER_S)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        # As `serve` does with what start-up built: it stays, and is never walked. The little garbage in cycles that
        # requests have left since the last collection stays too: seven objects for each of a second or two.
        gc.freeze()
        if collecting:
            gc.enable()
