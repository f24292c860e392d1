"""Every block of the README is executed, in order, on this machine and without a network."""

import asyncio
import threading
from pathlib import Path

import pytest

from gateway.cli.simulator import Simulator
from tests.support.markdown import ROOT, Block, blocks
from tests.support.readme import walking

README = ROOT / "README.md"


@pytest.fixture
def upstream_port():
    """The model server that the README's configuration talks to."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    simulator = Simulator(delay_s=0)
    asyncio.run_coroutine_threadsafe(simulator.open("127.0.0.1", 0), loop).result(20)
    yield simulator.port
    asyncio.run_coroutine_threadsafe(simulator.close(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


def test_every_block_works(tmp_path: Path, upstream_port: int):
    found = list(blocks(README))
    with walking(tmp_path / "folder", upstream_port) as walk:
        for block in found:
            walk.step(block)
        # Two gateways came out of it: the demo, and the one that was configured by hand.
        assert len(walk.children) == 2
        assert '"content":' in walk.output
    assert {block.language for block in found} == {"sh", "text", "python", "yaml"}


@pytest.mark.parametrize("language", ["", "json", "console", "http"])
def test_a_block_that_nobody_executes_fails(tmp_path: Path, language: str):
    with walking(tmp_path / "folder", 1) as walk, pytest.raises(AssertionError, match="nothing executes"):
        walk.step(Block(language, "x\n", "README.md:1"))


def test_a_command_that_fails_and_an_output_that_is_not_there_fail(tmp_path: Path):
    with walking(tmp_path / "folder", 1) as walk:
        with pytest.raises(AssertionError, match="exit 2"):
            walk.step(Block("sh", "gateway policy nonsense\n", "README.md:1"))
        walk.step(Block("sh", "echo one\necho two\n", "README.md:1"))
        walk.step(Block("text", "o…e\ntwo\n", "README.md:4"))
        with pytest.raises(AssertionError, match="not in the output"):
            walk.step(Block("text", "two\none\n", "README.md:4"))


def test_it_is_short_and_shows_something_soon():
    text = README.read_text()
    assert len(text.splitlines()) <= 180
    assert text.splitlines().index("HTTP/1.1 403 Forbidden") < 20
