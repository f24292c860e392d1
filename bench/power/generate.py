"""Have the texts written: those in the cache stay, the rest is generated, at most `MOST_TOKENS` in all.

A cache is a directory with one JSONL file for each cell; a line is one text. A run that is cut short goes on where it
stopped.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any, Final

from bench.power.client import Address, post
from bench.power.plan import ANSWER_TOKENS, MOST_TOKENS, SAMPLE, Cell, Job
from bench.power.prompts import CODE, PROSE
from bench.power.server import model_server

SLOTS: Final = 6
SERVERS: Final = 2
"""Of one thread each: two threads of one server would wait for each other wherever cores are shared."""
ALTERNATIVES: Final = 48
"""Most likely tokens of each place that the sample keeps."""
LEAST_P: Final = 1e-4
_IMAGE: Final = 255999
"""Gemma's <start_of_image>, which the text model writes now and then, is forbidden in every cell."""
_SAMPLING: Final = {
    "top_k": 64,
    "top_p": 0.95,
    "min_p": 0.0,
    # Against the loops that so small a model falls into: only words that would repeat four or more are less likely.
    "dry_multiplier": 0.8,
    "dry_allowed_length": 4,
    "dry_penalty_last_n": 512,
}


class Cache:
    """The texts that there are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()

    def read(self, cell: Cell) -> list[dict[str, Any]]:
        """The texts of a cell in their order."""
        path = self.folder / f"{cell.name}.jsonl"
        if not path.exists():
            return []
        return sorted(map(json.loads, path.read_text().splitlines()), key=lambda row: row["number"])

    def write(self, cell: Cell, row: dict[str, Any]) -> None:
        with self._lock, (self.folder / f"{cell.name}.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def tokens(self) -> int:
        """Tokens of all texts."""
        rows = (json.loads(line) for path in self.folder.glob("*.jsonl") for line in path.read_text().splitlines())
        return sum(row["tokens"] for row in rows)


def sample_jobs() -> list[Job]:
    return [Job(SAMPLE, number) for number in range(SAMPLE.texts)]


def generate(cache: Cache, jobs: Sequence[Job], mark: Callable[[Job], dict[str, float]], until: float) -> int:
    """Write the texts of jobs that the cache lacks, until `until` (monotonic s). Returns how many were written."""
    done = {(cell, row["number"]) for cell in {job.cell for job in jobs} for row in cache.read(cell)}
    left = iter([job for job in jobs if (job.cell, job.number) not in done])
    budget = _Budget(MOST_TOKENS - cache.tokens())
    written = 0
    with ExitStack() as stack:
        addresses: SimpleQueue[Address] = SimpleQueue()
        for server in [stack.enter_context(model_server(SLOTS, 1)) for _ in range(SERVERS)]:
            for _ in range(SLOTS):
                addresses.put(server)
        lock = Lock()

        def work(_: int) -> int:
            address, count = addresses.get(), 0
            while time.monotonic() < until:
                with lock:
                    job = next(left, None)
                if job is None or not budget.take(ANSWER_TOKENS):
                    break
                row = _written(address, job, mark(job))
                budget.give(ANSWER_TOKENS - row["tokens"])
                cache.write(job.cell, row)
                count += 1
            return count

        with ThreadPoolExecutor(SLOTS * SERVERS) as pool:
            written = sum(pool.map(work, range(SLOTS * SERVERS)))
    return written


class _Budget:
    """Tokens that may still be generated, those under way counted in full."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._lock = Lock()

    def take(self, tokens: int) -> bool:
        with self._lock:
            if self._left < tokens:
                return False
            self._left -= tokens
            return True

    def give(self, tokens: int) -> None:
        with self._lock:
            self._left += tokens


def _written(address: Address, job: Job, bias: dict[str, float]) -> dict[str, Any]:
    prompts = CODE if job.cell.kind == "code" else PROSE
    prompt = job.opening % len(prompts)
    sample = job.cell == SAMPLE
    began = time.monotonic()
    answer = post(
        address,
        "/v1/completions",
        {
            "prompt": prompts[prompt],
            "max_tokens": ANSWER_TOKENS,
            "seed": job.seed,
            "temperature": job.cell.temperature,
            "logit_bias": {**bias, str(_IMAGE): -100},
            "logprobs": ALTERNATIVES if sample else 1,
            **_SAMPLING,
        },
    )
    choice = answer["choices"][0]
    places = choice["logprobs"]["content"] if choice.get("logprobs") else []
    row = {
        "number": job.number,
        "account": job.account,
        "prompt": prompt,
        "seed": job.seed,
        "tokens": answer["usage"]["completion_tokens"],
        "finish": choice["finish_reason"],
        "seconds": round(time.monotonic() - began, 1),
        "logprob": round(sum(max(place["logprob"], -40.0) for place in places), 3),
        "pieces": [place["id"] for place in places],
        "text": choice["text"],
    }
    return row | {"places": list(map(_alternatives, places))} if sample else row


def _alternatives(place: dict[str, Any]) -> list[tuple[str, float]]:
    """The words that could have stood here, with their probabilities."""
    return list(_words(place["top_logprobs"]))


def _words(tokens: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    for token in tokens:
        p = math.exp(token["logprob"])
        word = token["token"]
        if p >= LEAST_P and word.startswith(" ") and word[1:].isalpha() and word[1:] == word[1:].lower():
            yield word[1:], round(p, 5)
