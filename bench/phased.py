"""A gateway whose phases are timed: `python -m bench.phased FILE serve --config …`, else as `gateway serve`.

With each SIGUSR1 it writes to FILE what is on the accounts so far. `PHASES` says which functions make up which phase:
where a function is renamed or moved, this list is the one place to follow. What is not found is told, not an error.
"""

import importlib
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.phases import Book
from bench.tolls import calibrate
from gateway.cli.main import main as gateway_main

PHASES: Sequence[tuple[str, str, str]] = (
    # module, function or Class.method, phase: in the order in which a request comes by
    ("gateway.server.hot_connection", "HotConnection.data_received", "lane"),
    ("gateway.server.hot_connection", "HotConnection._serve", "lane"),
    ("gateway.server.door", "GuardedProtocol.data_received", "lane"),
    ("gateway.server.door", "GuardedProtocol.start", "lane"),
    ("gateway.server.handler", "DataPlane.__call__", "handler"),
    ("gateway.server.handler", "DataPlane._open", "open"),
    ("gateway.pipeline", "Pipeline.identify", "identify"),
    ("gateway.server.handler", "check_body_head", "body"),
    ("gateway.server.handler", "read_body", "body"),
    ("gateway.pipeline", "Pipeline.read", "read"),
    ("gateway.pipeline", "Pipeline.rule", "rule"),
    ("gateway.marks", "Marks.decide", "receipts, marks (off)"),
    ("gateway.pipeline", "Pipeline.reserve", "reserve"),
    ("gateway.pipeline", "Pipeline.forward", "forward: bridge"),
    ("gateway.pipeline", "Pipeline._call", "forward: rewrite"),
    ("gateway.upstreams.pool.request", "Heads.head", "forward: head"),
    ("gateway.upstreams.pool.connections", "Connections.take", "forward: connection"),
    ("gateway.upstreams.pool.connection", "Connection.begin", "forward: write"),
    ("gateway.upstreams.pool.connection", "Connection.data_received", "answer"),
    ("gateway.upstreams.pool.answer", "PoolAnswer.read", "answer"),
    ("gateway.upstreams.pool.answer", "PoolAnswer.finish", "answer"),
    ("gateway.server.handler", "receipt_headers", "receipts, marks (off)"),
    ("gateway.server.handler", "exchange_head", "answer: head"),
    ("gateway.server.handler", "answer_headers", "answer: head"),
    ("gateway.server.hot_request", "HotRequest.reply", "answer: out"),
    ("gateway.core.turn", "Turn.end", "end of the turn: both writes"),
    ("gateway.pipeline", "Pipeline.finish", "settle"),
    ("gateway.archive", "Archive.record", "record"),
    ("gateway.pipeline", "Pipeline._look_in_passing", "detectors"),
    ("gateway.sight", "Sight.look", "detectors"),
    ("gateway.detectors.watchtower", "Watchtower._batch", "detectors"),
)
ONCE = "record"
"""The phase that begins exactly once with every request: by it requests are counted."""
PROBE_EVERY = 16
"""Timed calls between two that only show what timing costs there."""


def install(book: Book) -> list[str]:
    """Put the wrappers in place; the functions that there are none of."""
    absent = []
    for where, what, phase in PHASES:
        owner, name = _owner(where, what)
        function = getattr(owner, name, None)
        if function is None:
            absent.append(f"{where}.{what}")
        else:
            setattr(owner, name, book.wrap(phase, function))
    return absent


def missing() -> list[str]:
    """What the list has and the code has not."""
    return [f"{where}.{what}" for where, what, _ in PHASES if getattr(*_owner(where, what), None) is None]


def _owner(where: str, what: str) -> tuple[object, str]:
    """The module or class, and the name in it."""
    *path, name = what.split(".")
    try:
        owner: object = importlib.import_module(where)
    except ImportError:
        return None, name
    for part in path:
        owner = getattr(owner, part, None)
    return owner, name


def _tell(book: Book, target: Path, told: dict[str, object]) -> None:
    on_core = time.thread_time_ns()
    reading = book.reading()
    said = {
        **told, "names": book.names, "on_core_ns": on_core, "probe_ns": book.shown_ns(),
        "spent": reading.spent,
        "starts": reading.starts, "within": reading.within, "around": reading.around,
    }  # fmt: skip
    aside = target.with_suffix(".new")
    aside.write_text(json.dumps(said))
    aside.replace(target)
    # What the telling took is nobody's.
    book.last = book.now()


def main(argv: list[str]) -> int:
    """As `gateway`, after the file."""
    target, *rest = argv
    book = Book(probe_every=PROBE_EVERY)
    tolls = calibrate()
    told: dict[str, object] = {
        "call": [tolls.call.inside, tolls.call.outside],
        "step": [tolls.step.inside, tolls.step.outside],
        "shown_ns": tolls.shown_ns,
        "missing": install(book),
    }
    signal.signal(signal.SIGUSR1, lambda *_: _tell(book, Path(target), told))
    return gateway_main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
