"""The self-test's questions and what the answers say: pure.

Each question lets one word through and no other: the favoured word of one pair gets the largest bias that servers
take, among as many entries as answers are marked with. An answer is read as the detector reads texts, and its sign
compared with the codeword's, made anew from the epoch's keys. So all of it is tested at once: tokens, order, keys, and
whether the upstream heeds the field and takes so much of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gateway.watermarks.epochs import epoch_keys
from gateway.watermarks.keys import Master, seed_of
from gateway.watermarks.layout import WIDTH, bucket, layer_of
from gateway.watermarks.marking import PROVIDER, Manner, Marker
from gateway.watermarks.pairs import MOST_PAIRS
from gateway.watermarks.scheme import PairScheme
from gateway.watermarks.signs import codeword_bits, is_plus

QUESTIONS: Final = 12
LEAST: Final = 11
"""Right answers at least. Signs thrown like coins would pass 13 times in 4,096."""
STRENGTH: Final = 100.0
"""The most that the OpenAI API takes."""
ACCOUNT: Final = "excise.probe"
"""No account can have this id, since it is never issued a key; its codeword tests the same code."""

Found = Literal["ok", "absent", "wrong"]


@dataclass(frozen=True, slots=True)
class Question:
    """One pair, and the `logit_bias` that lets only its favoured word through."""

    pair: int
    bias: dict[str, float]


def questions(marker: Marker, entries: int) -> list[Question]:
    """Pairs spread over the whole table, of both layers; the favoured words are those that answers are marked with.

    `entries` is how many the upstream is said to take: that many are sent, the others as an answer's are.
    """
    tokens = marker.mark(ACCOUNT, 0, 0, Manner(MOST_PAIRS, STRENGTH)).tokens()
    others = sorted(marker.mark(ACCOUNT, 0, 0, Manner(entries, 1.0)).tokens())
    pairs = marker.table.pairs
    chosen = sorted({at * len(pairs) // QUESTIONS for at in range(QUESTIONS)})
    return [
        Question(at, _only(token, others, entries))
        for at in chosen
        for token in (pairs[at].first_token, pairs[at].second_token)
        if token in tokens
    ]


def _only(token: int, others: Sequence[int], entries: int) -> dict[str, float]:
    rest = [other for other in others if other != token][: entries - 1]
    return {str(token): STRENGTH} | {str(other): 1.0 for other in rest}


def judge(asked: Sequence[Question], answers: Sequence[str], expected: Sequence[bool], scheme: PairScheme) -> Found:
    """What the answers say: `absent` where the words did not come (the field is not heeded, or tokens are another
    model's), `wrong` where the other words came (other keys, or another order).
    """
    right = absent = 0
    for question, answer, plus in zip(asked, answers, expected, strict=True):
        weight = _weight(question.pair, answer, scheme)
        right += (weight > 0) == plus and weight != 0
        absent += weight == 0
    if right >= min(LEAST, len(asked)):
        return "ok"
    return "absent" if absent > len(asked) - right - absent else "wrong"


def signs_of(asked: Sequence[Question], master: Master, epoch: str, family: str, scheme: PairScheme) -> list[bool]:
    """Whether the detector expects the first word of each pair, from the keys alone."""
    account, provider = (epoch_keys(master, epoch, family, layer).codeword_root for layer in ("account", "provider"))
    bits = {
        "account": codeword_bits(seed_of(account, ACCOUNT), WIDTH),
        "provider": codeword_bits(seed_of(provider, PROVIDER), WIDTH),
    }
    return [
        is_plus(bits[layer_of(question.pair, scheme.provider_quarters)], bucket(question.pair, 0)) for question in asked
    ]


def _weight(pair: int, answer: str, scheme: PairScheme) -> int:
    # An answer may begin with the word, without the space that stands before it inside a text.
    reading = scheme.read(" " + answer)
    for vector in (reading.account[0], reading.provider[0]):
        for at, weight in vector.weights:
            if at == bucket(pair, 0):
                return weight
    return 0
