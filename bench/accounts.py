"""`python -m bench.accounts`: what finding out who calls costs, with a million keys in the store. Nothing is asserted.

One process, no sockets: the steps of a request up to its principal. `file` is a key of accounts.yaml; the others are
in the SQLite book: in memory, read from the book, and an id that is none, in memory and not.
"""

import argparse
import asyncio
import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.report import spread, table
from gateway.core.account import Account, Principal
from gateway.core.clock import SystemClock
from gateway.core.refusal import Refusal
from gateway.identity.authenticate import Claim, authenticate, claim
from gateway.identity.directory import Directory, KeyRecord
from gateway.identity.keys import PREFIX, Pepper, check_digits, digest
from gateway.identity.lookup import KeyLookup
from gateway.stores.book.base import MAX_BATCH, Put, StoredAccount, StoredKey
from gateway.stores.book.sqlite import SqliteBook

KEYS_PER_ACCOUNT = 20
FILE_KEYS = 5_000
PEPPER = Pepper("p1", b"a pepper of the bench, and no secret")
WINDOWS = 7


def text_of(number: int) -> str:
    """A key with a number for an id; its secret follows from it."""
    body = f"{PREFIX}{number:012}_{hashlib.sha256(str(number).encode()).hexdigest()[:27]}"
    return body + check_digits(body)


def stored(number: int) -> StoredKey:
    secret = text_of(number)[len(PREFIX) + 13 :][:27].encode()
    return StoredKey(f"{number:012}", f"acct-{number // KEYS_PER_ACCOUNT:06}", digest(secret, PEPPER.value), PEPPER.id)


class Bench:
    """A book of many keys, a file of a few, and the steps from a header to a principal."""

    def __init__(self, folder: Path, keys: int, per_window: int) -> None:
        self.keys, self.per_window = keys, per_window
        self.path = folder / "usage.sqlite.accounts"
        self.book = SqliteBook(self.path)
        owner = Account("in-the-file", "in-the-file", "free")
        first = keys * 10
        records = {}
        for number in range(first, first + FILE_KEYS):
            one = stored(number)
            records[one.id] = KeyRecord(Principal(owner, one.id), one.digest, PEPPER.value)
        self.directory = Directory.of({owner.id: owner}, records, PEPPER.value)
        self.in_file = [text_of(number) for number in range(first, first + FILE_KEYS)]

    def lookup(self, most_keys: int) -> KeyLookup:
        made = KeyLookup(self.book, SystemClock(), most_keys=most_keys, stale_s=600)
        made.configure([PEPPER], frozenset())
        return made

    async def fill(self) -> float:
        """Keys written per second."""
        began = time.perf_counter()
        names = [f"acct-{number:06}" for number in range(-(-self.keys // KEYS_PER_ACCOUNT))]
        people = [StoredAccount(Account(name, name, "free")) for name in names]
        for at in range(0, len(people), MAX_BATCH):
            await self.book.write([Put(one) for one in people[at : at + MAX_BATCH]])
        for at in range(0, self.keys, MAX_BATCH):
            await self.book.write([Put(stored(number)) for number in range(at, min(at + MAX_BATCH, self.keys))])
        return self.keys / (time.perf_counter() - began)

    async def identify(self, lookup: KeyLookup, text: str) -> Principal | Refusal:
        """As the pipeline does it."""
        claimed = claim(f"Bearer {text}", None)
        key_id = claimed.id_outside(self.directory) if isinstance(claimed, Claim) else None
        record = None if key_id is None else lookup.cached(key_id) or await lookup.find(key_id)
        if isinstance(record, Refusal):
            return record
        return authenticate(claimed, self.directory, 0, record)

    async def rows(self) -> list[list[str]]:
        count, windows = self.per_window, range(WINDOWS)
        warm, cold = self.lookup(count), self.lookup(1)
        hot = [text_of(number) for number in range(count)]
        for text in hot:
            await self.identify(warm, text)
        step = max(1, self.keys // (count * WINDOWS))
        missed = [[text_of((w * count + i) * step % self.keys) for i in range(count)] for w in windows]
        absent = [[text_of(self.keys * 10 + FILE_KEYS + w * count + i) for i in range(count)] for w in windows]
        remembered = absent[-1]

        async def timed(lookup: KeyLookup, texts: list[str], good: bool) -> float:
            began = time.perf_counter_ns()
            for text in texts:
                who = await self.identify(lookup, text)
            took = (time.perf_counter_ns() - began) / len(texts) / 1000
            assert isinstance(who, Principal) is good
            return took

        figures: list[tuple[str, Callable[[int], Awaitable[float]]]] = [
            ("key of the file", lambda _: timed(warm, self.in_file, good=True)),
            ("key in memory", lambda _: timed(warm, hot, good=True)),
            ("key from the book", lambda w: timed(cold, missed[w], good=True)),
            ("no key, from the book", lambda w: timed(cold, absent[w], good=False)),
            ("no key, in memory", lambda _: timed(cold, remembered, good=False)),
        ]
        return [[name, spread([await figure(window) for window in windows])] for name, figure in figures]


async def measure(keys: int, per_window: int) -> str:
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        bench = Bench(Path(folder), keys, per_window)
        await bench.book.open()
        try:
            rate = await bench.fill()
            rows = await bench.rows()
        finally:
            await bench.book.close()
        size = bench.path.stat().st_size / (1 << 20)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    where = f"SQLite ({size:.0f} MiB, written at {rate:,.0f} keys/s), {FILE_KEYS:,} in the file"
    title = f"Who calls: {keys:,} keys of {keys // KEYS_PER_ACCOUNT:,} accounts in {where}; peak memory {peak:.0f} MiB"
    return table(title, ("", "µs best / lower quartile / median"), rows)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000, help="how many are in the book")
    parser.add_argument("--per-window", type=int, default=5_000, help="how many are asked for in one window")
    args = parser.parse_args(argv)
    print(asyncio.run(measure(args.keys, args.per_window)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
