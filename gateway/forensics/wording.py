"""The sentences of a report. They are fixed: a verdict says what is proven and, each time, what is not.

No sentence turns p around: 1 − p is not the probability that anybody did anything.
"""

from typing import Final

from gateway.forensics.outcome import Hit, Outcome
from gateway.watermarks.correction import Tried
from gateway.watermarks.score import log10_text

NOT_SHOWN: Final = (
    "It does not show who published the text, who trained on it, or who used the account; the account is the contract "
    "partner."
)
DERIVES: Final = "the text derives from output that was issued to"

_REASONS: Final = {
    "too_weak": "Nothing fired, but a mark of this strength would often go unseen here: nothing can be said.",
    "nothing_found": "Nothing fired, and a mark of this strength would have shown. Weaker marks, and marks that "
    "rewriting has removed, are not excluded: this is not proof that the text is not ours.",
    "commitment_mismatch": "The keys or the pair table are not those that were committed to before first use: nobody "
    "can be named with them.",
    "decoys_disagree": "Codewords that nobody was issued do not score as chance does: keys or code are broken, and "
    "no score counts.",
    "decoy_fired": "A codeword that nobody was issued fired: keys or code are broken, and no score counts.",
}


def wording(outcome: Outcome, tried: Tried) -> list[str]:
    """What the outcome means, sentence by sentence."""
    if outcome.reason != "fired":
        return [_REASONS[outcome.reason], _power(outcome)]
    sentences = [_named(hit, tried) for hit in outcome.accounts]
    if outcome.name == "several_accounts":
        sentences.append("Several accounts fired: a mixture of their output, or accounts that act together.")
    if outcome.provider:
        sentences.append(
            "If the text did not depend on the provider's key, a score this high would occur with probability at most "
            f"{log10_text(outcome.provider.log_p)}: it derives from output of this provider."
        )
    sentences += [
        f"If the text did not depend on the keys of the declared set {hit.name}, a score this high would occur with "
        f"probability at most {log10_text(hit.log_p)}. This names the set, and none of its members."
        for hit in outcome.clusters
    ]
    return [*sentences, NOT_SHOWN]


def _named(hit: Hit, tried: Tried) -> str:
    return (
        f"If this text did not depend on the key of account {hit.name}, a score this high for any of the "
        f"{tried.accounts:,} accounts tested would occur with probability at most {log10_text(hit.log_p)}. "
        f"This shows that {DERIVES} {hit.name} in epoch {hit.epoch}."
    )


def _power(outcome: Outcome) -> str:
    power = outcome.power
    sentence = (
        f"A text like this one ({power.units} units) with a mark of uplift {power.uplift:g} would be detected with "
        f"probability {power.chance:.2g} at this level"
    )
    if power.least_units is None:
        return f"{sentence}; no text is long enough for a chance of one half."
    return f"{sentence}; one of {power.least_units} such units, with one half."
