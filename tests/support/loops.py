"""The event loops that `serve` may run on. A suite that imports `every_loop` runs on each of them."""

import asyncio

import pytest
import uvloop

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

_chosen = asyncio.new_event_loop


@pytest.fixture(autouse=True, params=LOOPS.values(), ids=LOOPS)
def every_loop(request):
    global _chosen  # noqa: PLW0603 - one test at a time in a process
    _chosen = request.param
    yield
    _chosen = asyncio.new_event_loop


def run(main, factory=None):
    """`asyncio.run` on the loop of the running test, or the one that `factory` makes."""
    with asyncio.Runner(loop_factory=factory or _chosen) as runner:
        return runner.run(main)
