"""Mark and fingerprints side by side: does the registry say of the accounts that fired what their marks say?

Whoever holds enough marked output of an account can write texts that carry its mark; what it was served they cannot
change. So a mark that fires names nobody to others before the registry agrees. No p depends on what stands here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.forensics.fingerprints import Fingerprints, Held, Holder
from gateway.watermarks.moments import moment_text

MOST_LISTED: Final = 10_000
"""Documents that a report lists with their holders."""

_NOT_SEARCHED: Final = (
    "Not corroborated: no registry of fingerprints was searched, so nothing but the mark speaks. Seek other evidence "
    "before anybody is named to others."
)
_NOT_HELD: Final = (
    "The fingerprints show nothing either: no answer that was searched holds enough of the text. That is no proof that "
    "it is not ours."
)
_ONLY_HELD: Final = (
    "The mark names no account, but answers in the registry hold passages of the text: gateway trace names the "
    "accounts that were served them."
)
_OTHERS: Final = (
    "Accounts that did not fire were served passages of the text too: it may come from one of them. gateway trace "
    "names them."
)


def section(found: Fingerprints, fired: Sequence[str], *, details: bool, corpus: bool) -> dict[str, Any]:
    """The report's `registry`. `fired` are the accounts that the marks name; holders are `details`."""
    holding = {holder.account for holder in found.holders}
    searched = found.searched
    known = bool(fired) and searched.documents > 0
    document: dict[str, Any] = {
        "searched": {
            "answers": searched.documents,
            "folders": list(searched.shelves),
            "shredded": list(searched.shredded),
            "unreadable": len(searched.problems),
        },
        "corroborated": holding.issuperset(fired) if known else None,
        "accounts": [{"account": name, "corroborated": name in holding if known else None} for name in fired],
        "others_hold": not holding.issubset(fired),
    }
    if details:
        document["holders"] = [_holder(one, fired) for one in found.holders]
        document["below_threshold"] = found.below
    if details and corpus:
        listed = found.documents[:MOST_LISTED]
        document["documents"] = {"held": found.held, "listed": [_held(one, fired) for one in listed]}
    return document


def sentences(registry: Mapping[str, Any] | None, fired: Sequence[str]) -> list[str]:
    """The fixed words about it."""
    if registry is None:
        return [_NOT_SEARCHED] if fired else []
    answers = registry["searched"]["answers"]
    if fired and not answers:
        return [_NOT_SEARCHED]
    said = [_corroborated(one["account"]) for one in registry["accounts"] if one["corroborated"]]
    said += [_not_corroborated(one["account"], answers) for one in registry["accounts"] if not one["corroborated"]]
    if registry["others_hold"]:
        said.append(_OTHERS if fired else _ONLY_HELD)
    elif answers and not fired:
        said.append(_NOT_HELD)
    if registry["searched"]["unreadable"]:
        said.append("Some files of the registry could not be read: what stood there is missing here.")
    return said


def _corroborated(account: str) -> str:
    return (
        f"Corroborated by fingerprints: {account} was served answers that hold passages of the text. "
        "This is other evidence than the mark, and has no part in p."
    )


def _not_corroborated(account: str, answers: int) -> str:
    return (
        f"Not corroborated by fingerprints: of the {answers:,} answers searched, none that {account} was served holds "
        "enough of the text. A paraphrase leaves no fingerprints; but a mark can be forged by those who hold much of "
        f"an account's output. Seek other evidence before {account} is named to others."
    )


def _holder(one: Holder, fired: Sequence[str]) -> dict[str, Any]:
    return {
        "account": one.account,
        "fired": one.account in fired,
        "documents": one.documents,
        "answers": one.answers,
        "rare_grams": one.rare_grams,
        "longest_run_words": one.run,
        "first_served": moment_text(one.first_ms),
    }


def _held(one: Held, fired: Sequence[str]) -> dict[str, Any]:
    return {"document": one.document, "holders": [_holder(holder, fired) for holder in one.holders]}
