"""A small world for the detector: a scheme of made-up words, eras with known keys, and texts that are marked or not."""

from collections import Counter
from hashlib import sha256
from random import Random

from gateway.forensics.eras import Era, Suspect
from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.commitment import EpochKeys
from gateway.watermarks.keys import seed_of
from gateway.watermarks.scheme import Reading
from gateway.watermarks.signs import codeword_bits, is_plus

PAIRS = 1000
_LETTERS = "bcdfghjklmnpqrstvwxz"


def word(pair, side):
    """A word of its own for each pair and side."""
    text = ""
    for _ in range(3):
        pair, at = divmod(pair, len(_LETTERS))
        text += _LETTERS[at] + "ai"[side]
    return text


_KNOWN = {word(pair, side): (pair, 1 - 2 * side) for pair in range(PAIRS) for side in (0, 1)}


class Words:
    """Each pair of made-up words is a unit: +1 where its first word prevails. Every fourth is the provider's."""

    id = "made-up"
    version = 7
    width = 4096

    def __init__(self, lists=1):
        self.lists = lists
        self.most_units = None

    def read(self, text, _prose=None):
        words = text.split()
        sums = Counter()
        for one in words:
            if one in _KNOWN:
                pair, side = _KNOWN[one]
                sums[pair] += side
        account, provider = (
            tuple(_vector(sums, number, mine) for number in range(self.lists)) for mine in (False, True)
        )
        return Reading(account, provider, len(words), sum(one in _KNOWN for one in words), 0)


def _vector(sums, number, providers):
    used = [pair for pair in sorted(sums) if sums[pair] and (pair % 4 == 0) == providers]
    return BucketVector(4096, tuple((number * 1024 + pair, 1 if sums[pair] > 0 else -1) for pair in used), len(used))


def era(accounts=40, *, epoch="e1", family="made", scheme=None, rolls=(), decoys=1000, **changes):
    """An era whose keys depend on nothing but its name."""
    roots = [sha256(f"{epoch}/{family}/{purpose}".encode()).digest() for purpose in ("codeword", "decoy", "provider")]
    keys = EpochKeys(roots[0], roots[1], decoys)
    named = [Suspect(f"acct-{number}") for number in range(accounts)] if isinstance(accounts, int) else list(accounts)
    return Era(
        **{
            "epoch": epoch,
            "family": family,
            "scheme": scheme or Words(),
            "keys": keys,
            "provider_seed": seed_of(roots[2], "provider"),
            "suspects": (*named, *rolls),
            "key_id": keys.commitment().hex(),
            "commitment": "verified",
        }
        | changes
    )


def text(rng: Random, length=900, *, of=None, account="acct-0", roll=0, uplift=0.45, list_index=0, provider=True):
    """Words at random; of an era's account where one is given. Without a mark both words of a pair are as likely."""
    bits = own = None
    if of is not None:
        bits = codeword_bits(of.seed(Suspect(account, roll)), 4096) if account else None
        own = codeword_bits(of.provider_seed, 4096) if provider else None
    out = []
    chosen = {}
    for _ in range(length):
        pair = rng.randrange(PAIRS)
        signs = own if pair % 4 == 0 else bits
        if pair not in chosen:
            plus = 0.5
            if signs is not None:
                plus = 0.5 + (uplift if is_plus(signs, list_index * 1024 + pair) else -uplift)
            chosen[pair] = int(rng.random() >= plus)
        out.append(word(pair, chosen[pair]))
    return " ".join(out)
