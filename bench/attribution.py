"""What naming costs: one text among 100,000 accounts, and a corpus; without the command line around it.

python -m bench.attribution
"""

import random
import resource
import time

from bench.report import table
from gateway.forensics.corpus import examine_corpus
from gateway.forensics.document import examine
from gateway.forensics.eras import Era, Suspect
from gateway.forensics.inputs import Document
from gateway.forensics.question import Question
from gateway.watermarks.epochs import epoch_keys
from gateway.watermarks.keys import Master, seed_of
from gateway.watermarks.marking import PROVIDER
from gateway.watermarks.pairs import MOST_PAIRS, Pair, PairTable
from gateway.watermarks.scheme import PairScheme

ACCOUNTS = 100_000
WORDS = 500
DOCUMENTS = 4_096
_WINDOWS = 5
_MASTER = Master(b"only for the bench only for the ")
_LETTERS = "bcdfghjklmnpqrstvwxz"


def attribution() -> str:
    """Both tables."""
    rng = random.Random(1)
    pairs = _table()
    text = _text(rng, pairs)
    rows = [
        _one("one text", text, windows=False),
        _one("one text and its windows", _text(rng, pairs, 4_000), windows=True),
    ]
    times = table(
        f"Naming among {ACCOUNTS:,} accounts with {MOST_PAIRS:,} pairs: seconds, best of {_WINDOWS}",
        ("what", "words", "looks", "wall", "CPU"),
        rows,
    )
    corpus = table(
        f"A corpus of {DOCUMENTS:,} documents of {WORDS} words",
        ("accounts", "documents a second", "CPU, ms a document", "read alone, a second", "peak memory of the process"),
        [_corpus(accounts, [_text(rng, pairs) for _ in range(DOCUMENTS)]) for accounts in (1_000, ACCOUNTS)],
    )
    return f"{times}\n{corpus}"


def _one(name: str, text: str, *, windows: bool) -> list[str]:
    question = Question((_era(ACCOUNTS),))
    best, least = 1e9, 1e9
    looks = 0
    for _ in range(_WINDOWS):
        wall, cpu = time.perf_counter(), time.process_time()
        result = examine(name, text, question, lambda _: 1, windows=windows)
        best = min(best, time.perf_counter() - wall)
        least = min(least, time.process_time() - cpu)
        looks = result.tried.windows
    return [name, str(len(text.split())), str(looks), f"{best:.2f}", f"{least:.2f}"]


def _corpus(accounts: int, texts: list[str]) -> list[str]:
    question = Question((_era(accounts),))
    documents = [Document(f"document {number}", text, text) for number, text in enumerate(texts)]
    began = time.perf_counter()
    for text in texts:
        question.eras[0].scheme.read(text)
    read = time.perf_counter() - began
    began, cpu = time.perf_counter(), time.process_time()
    examine_corpus(documents, question, lambda _: 1)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rates = [f"{len(texts) / took:,.0f}", f"{1e3 * cpu / len(texts):.1f}", f"{len(texts) / read:,.0f}"]
    return [f"{accounts:,}", *rates, f"{peak:,.0f} MiB"]


def _era(accounts: int) -> Era:
    keys = epoch_keys(_MASTER, "bench", "bench", "account")
    return Era(
        epoch="bench",
        family="bench",
        scheme=PairScheme(_table()),
        keys=keys,
        provider_seed=seed_of(epoch_keys(_MASTER, "bench", "bench", "provider").codeword_root, PROVIDER),
        suspects=tuple(Suspect(f"account-{number}") for number in range(accounts)),
        key_id="bench",
    )


def _table() -> PairTable:
    """Pairs whose words grow rarer as those of a language do (Zipf)."""
    return PairTable(
        "bench",
        tuple(
            Pair(_word(2 * at), _word(2 * at + 1), 2 * at, 2 * at + 1, 20_000 / (at + 3), 20_000 / (at + 3))
            for at in range(MOST_PAIRS)
        ),
    )


def _text(rng: random.Random, pairs: PairTable, words: int = WORDS) -> str:
    weights = [pair.first_rate for pair in pairs.pairs]
    some = rng.choices(pairs.pairs, weights, k=words)
    return " ".join(rng.choice((pair.first, pair.second)) for pair in some)


def _word(number: int) -> str:
    text = ""
    for _ in range(3):
        number, at = divmod(number, len(_LETTERS))
        text += _LETTERS[at] + "aeiou"[at % 5]
    return text


if __name__ == "__main__":
    print(attribution())
