"""The pair table of the bench, and its accounts' signs: keys that are no secret, so that runs can be compared."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final, get_args

import numpy as np

from bench.power.client import single_tokens
from bench.power.generate import Cache
from bench.power.pairings import Like, neighbours, no_likeness, paired, rates_of, rivals
from bench.power.plan import SAMPLE, Job, Pairing
from bench.power.server import MODEL, model_server
from gateway.watermarks.keys import KeyPath, Master, seed_of
from gateway.watermarks.layout import WIDTH, bucket, layer_of
from gateway.watermarks.marking import PROVIDER, Manner, Marker
from gateway.watermarks.pairs import MOST_PAIRS, PairTable, read_table, write_table
from gateway.watermarks.signs import codeword_bits, is_plus
from gateway.watermarks.words import read_words

PROVIDER_QUARTERS: Final = 1
_MASTER: Final = Master(sha256(b"bench.power").digest())
_ACCOUNTS: Final = _MASTER.root(KeyPath("codeword", 1, MODEL, "bench", "account"))
_PROVIDERS: Final = _MASTER.root(KeyPath("codeword", 1, MODEL, "bench", "provider"))


def table_of(cache: Cache, pairing: Pairing = "rivals") -> PairTable:
    """The table in the cache; made from the sample and the model's tokenizer where there is none yet.

    All tables hold the same words with the same rates, paired in different ways.
    """
    path = cache.folder / f"pairs-{pairing}.json"
    if not path.exists():
        rows = cache.read(SAMPLE)
        texts = [read_words(row["text"]).words for row in rows]
        places = [place for row in rows for place in row["places"]]
        rates = rates_of(texts, places)
        tokens = tokens_of(cache, list(rates)[: 3 * MOST_PAIRS])
        like: Like = rivals(places)
        if pairing != "rivals":
            first = table_of(cache)
            rates = dict(sorted(_rates_in(first).items(), key=lambda entry: (-entry[1], entry[0])))
            like = neighbours(texts) if pairing == "neighbours" else no_likeness
        write_table(path, paired(rates, tokens, MODEL, like))
    return read_table(path)


def _rates_in(table: PairTable) -> dict[str, float]:
    return {word: rate for p in table.pairs for word, rate in ((p.first, p.first_rate), (p.second, p.second_rate))}


def tokens_of(cache: Cache, words: list[str]) -> dict[str, int]:
    """Which words are one token; asked once for each cache."""
    path: Path = cache.folder / "tokens.json"
    if not path.exists():
        with model_server(2, 1) as address:
            path.write_text(json.dumps(single_tokens(address, words)))
    found: dict[str, int] = json.loads(path.read_text())
    return found


def cut(table: PairTable, entries: int) -> PairTable:
    """The table of an upstream that accepts so few entries: pairs that carry no mark would only add noise."""
    return PairTable(table.model, table.pairs[:entries])


class Bias:
    """The `logit_bias` of a job."""

    def __init__(self, cache: Cache) -> None:
        self._markers = {
            pairing: Marker(table_of(cache, pairing), _ACCOUNTS, _PROVIDERS, provider_quarters=PROVIDER_QUARTERS)
            for pairing in get_args(Pairing)
        }

    def __call__(self, job: Job) -> dict[str, float]:
        cell = job.cell
        if not cell.strength:
            return {}
        marker = self._markers[cell.pairing]
        mark = marker.mark(job.account, 0, 0, Manner(cell.entries, cell.strength))
        value: dict[str, float] = json.loads(mark.json)
        skipped = {str(token) for pair in marker.table.pairs[: cell.skip] for token in pair.tokens}
        return {token: strength for token, strength in value.items() if token not in skipped}


def signs_of(account: str, pairs: int) -> np.ndarray:
    """The sign of each pair for this account: +1 favours its first word. A quarter are the provider's."""
    own, provider = (
        codeword_bits(seed_of(_ACCOUNTS, account), WIDTH),
        codeword_bits(seed_of(_PROVIDERS, PROVIDER), WIDTH),
    )
    bits = (provider if layer_of(at, PROVIDER_QUARTERS) == "provider" else own for at in range(pairs))
    return np.array([1 if is_plus(word, bucket(at, 0)) else -1 for at, word in enumerate(bits)], dtype=np.int8)
