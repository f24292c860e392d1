"""What fingerprints of answers cost: time to make them, bytes to keep them, time to look a text up."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import count, cycle, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench.plan import Plan
from bench.report import spread, table
from bench.stage import Stage
from gateway.registry.compact import Compacted, compact
from gateway.registry.records import Document
from gateway.registry.search import search
from gateway.registry.shelf import Shelf
from gateway.registry.sketch import Hasher, Sketch, sketch
from gateway.registry.trace import Query
from gateway.registry.writer import Writer

_ROOT = b"only for the bench, 32 bytes lon"
_ANSWERS = 20_000
_PRINTS = 83
_TEXTS = {
    "English": "The keeper enters cask {} in the book of accounts; officer {} gauges its strength on day {}. ",
    "English, curly quotes": "The keeper’s book “lists” cask {}; officer {} — if present — gauges it on day {}. ",
    "Chinese": "仓库管理员在第{}天登记第{}个酒桶，酒税按照酒精度和体积计算。",
}
_UNTIL_MS = 2_000_000_000_000


def registry(_stage: Stage, plan: Plan) -> str:
    """An answer of 500 tokens; a prompt as long as that; a registry of 20,000 answers on one replica."""
    hasher = Hasher(_ROOT, b"salt")
    rows = []
    for name, sentence in _TEXTS.items():
        size = 900 if name == "Chinese" else 2250
        texts = [_text(sentence, size, number) for number in range(20)]
        alone = _windows(lambda texts=texts: [sketch(text, hasher) for text in texts], 20, plan)
        asked = _windows(lambda texts=texts: [sketch(text, hasher, texts[0]) for text in texts], 20, plan)
        kept = sum(len(sketch(text, hasher)) for text in texts) / len(texts)
        rows.append([name, f"{size:,}", spread(alone), spread(asked), f"{kept:.0f}"])
    header = ("answer", "characters", "µs", "µs with a prompt as long", "fingerprints")
    made = table("Registry: a sketch, best / quartile / median", header, rows)
    return made + "\n" + _kept(plan)


def _kept(plan: Plan) -> str:
    pick = Random(1)
    query = Query(_text(_TEXTS["English"], 2250, 5))
    with TemporaryDirectory(prefix="gateway-bench-") as folder:
        shelf = Shelf(Path(folder) / "registry" / "one" / "2026-q4")
        shelf.folder.parent.parent.mkdir()
        writer = Writer(shelf.folder, _UNTIL_MS, _ROOT)
        answers = [(_document(number), Sketch(375, pick.randbytes(5 * _PRINTS))) for number in range(_ANSWERS)]
        began = time.process_time()
        for document, made in answers:
            writer.append(document, made)
        writing = time.process_time() - began
        writer.close()

        def look() -> object:
            return search([shelf], lambda _epoch: _ROOT, [query])

        scanning = _windows(look, 1, plan)
        log = sum(path.stat().st_size for path in shelf.folder.glob("*.log")) / _ANSWERS
        rows = [
            ["writing a log", f"{_ANSWERS / writing:,.0f}", f"{log:.0f}", ""],
            ["looking through a log", f"{_ANSWERS / min(scanning) * 1e6:,.0f}", f"{log:.0f}", spread(scanning)],
        ]
        if find_spec("numpy"):
            began = time.process_time()
            done: list[Compacted] = list(compact(shelf))
            sorting = time.process_time() - began
            each = sum(one.segment_bytes for one in done) / _ANSWERS
            finding = _windows(look, 1, plan)
            rows += [
                ["sorting a log", f"{_ANSWERS / sorting:,.0f}", f"{each:.0f}", ""],
                ["looking up in a segment", f"{_ANSWERS / min(finding) * 1e6:,.0f}", f"{each:.0f}", spread(finding)],
            ]
    header = ("20,000 answers of 83 fingerprints", "answers/s", "bytes each", "µs for a text of 370 words")
    return table("Registry: files", header, rows)


def _text(sentence: str, size: int, seed: int) -> str:
    numbers = (str(number * 7919 % 99991) for number in count(seed * 1000))
    parts = (sentence.format(*islice(numbers, 3)) for sentence in cycle([sentence]))
    text = ""
    while len(text) < size:
        text += next(parts)
    return text[:size]


def _document(number: int) -> Document:
    return Document(f"req_{number:024x}", f"acct-{number % 500}", "gemma-3", "gemma-3-27b", 1_793_620_800_000, 375)


def _windows(work: Callable[[], object], calls: int, plan: Plan) -> list[float]:
    """Microseconds of processor time for each call."""
    found = []
    for window in range(plan.request_windows + 1):
        began = time.process_time_ns()
        work()
        if window:  # the first one warms up
            found.append((time.process_time_ns() - began) / 1000 / calls)
    return found
