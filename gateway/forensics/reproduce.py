"""Running a bundle's test again, from the bundle, the text and the master secret: the same report, or what differs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from gateway.forensics.bundle import BadBundle, Bundle
from gateway.forensics.clusters import Declared
from gateway.forensics.corpus import CorpusExamined, examine_corpus
from gateway.forensics.corroboration import section
from gateway.forensics.document import Examined, examine
from gateway.forensics.dossier import ACCOUNTS, CLUSTERS, CONFIG, FORMAT, REPORT
from gateway.forensics.eras import Suspect
from gateway.forensics.fingerprints import Lookup
from gateway.forensics.inputs import BadInput, Document, Source, documents
from gateway.forensics.load import Holdings, era_of
from gateway.forensics.prompt import grams_of
from gateway.forensics.question import Question
from gateway.forensics.report import Context, report_of
from gateway.forensics.tables import table_of
from gateway.watermarks.epochs import Commitment
from gateway.watermarks.evidence import Cluster
from gateway.watermarks.keys import Master
from gateway.watermarks.moments import moment_of
from gateway.watermarks.verdict import Rules

MOST_SHOWN: Final = 50
"""Differences that are named."""
_NOT_COMPARED: Final = ("tool.version",)


@dataclass(frozen=True, slots=True)
class Compared:
    """What a second run says of the first."""

    differing: list[str]
    """Places of the report where it says something else; none where both are the same."""
    fingerprints: str
    """Why what the registry said was not looked up again; empty where it was, or where nothing had been looked up."""


def compare(
    bundle: Bundle,
    master: Master,
    files: Sequence[Source],
    prompt: str | None,
    lookup: Callable[[int], Lookup | None] = lambda _: None,
) -> Compared:
    """Run it again. `lookup` gives the registry as it was at a time (Unix ms); None: none is at hand.

    Raises BadBundle where the bundle cannot be run again, BadInput where the text is not the one that was tested.
    """
    config, report = bundle.data(CONFIG), bundle.data(REPORT)
    if config.get("format") != FORMAT:
        raise BadBundle(f"{CONFIG}: expected format {FORMAT}")
    prompt_sha256 = None if prompt is None else sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()
    if prompt_sha256 != report["prompt_sha256"]:
        raise BadInput("the prompt is not the one that was given then: --prompt FILE")
    declared = _declared(bundle)
    question = _question(bundle, config, master, declared)
    grams = frozenset() if prompt is None else grams_of(prompt)
    looking = None if report["registry"] is None else lookup(moment_of(report["made_at"]))
    found = documents(files, config["field"], grams)
    found = found if looking is None else looking.watching(found)
    result = _again(config, question, found, report["input"].get("name", ""))
    context = Context(
        made_at=report["made_at"],
        by=report["by"],
        heads=report["account_logs"],
        notes=tuple(report["notes"]),
        declared=declared,
        prompt_sha256=prompt_sha256,
        suspects_given=report["accounts_from"] == "list",
    )
    if result.sha256 != report["input"]["sha256"]:
        raise BadInput("the text is not the one that was tested: its SHA-256 differs")
    registry, why = _registry(report["registry"], looking, result)
    again = json.loads(json.dumps(report_of(result, question, context, scores=True, registry=registry)))
    differing = [place for place in _differing(again, report, "") if place not in _NOT_COMPARED]
    return Compared(differing[:MOST_SHOWN], why)


def _registry(
    then: dict[str, Any] | None, looking: Lookup | None, result: Examined | CorpusExamined
) -> tuple[dict[str, Any] | None, str]:
    """What the registry says now; where it cannot be compared, what it said then, and why."""
    if then is None:
        return None, ""
    if looking is None:
        return then, "no registry is at hand"
    now = looking.found()
    gone = set(then["searched"]["folders"]) - set(now.searched.shelves)
    if gone or now.searched.problems or then["searched"]["unreadable"]:
        return then, f"{min(gone)} is gone" if gone else "files of the registry cannot be read, or could not be then"
    corpus = isinstance(result, CorpusExamined)
    registry = section(now, result.outcome.names, details=True, corpus=corpus)
    # A registry grows; how much was searched is no finding.
    return registry | {"searched": then["searched"]}, ""


def _again(
    config: Mapping[str, Any], question: Question, found: Iterator[Document], name: str
) -> Examined | CorpusExamined:
    if config["corpus"]:
        corpus = examine_corpus(found, question, lambda _: config["runs"])
        if corpus is None:
            raise BadInput("there is no document")
        return corpus
    one = next(found, None)
    if one is None or next(found, None) is not None:
        raise BadInput("one text was tested: expected one")
    return examine(
        name,
        one.text,
        question,
        lambda _: config["runs"],
        windows=config["windows"],
        original=one.original,
        dropped=one.dropped,
    )


def _question(bundle: Bundle, config: Mapping[str, Any], master: Master, declared: Declared | None) -> Question:
    accounts = bundle.data(ACCOUNTS)
    holdings = Holdings(
        master,
        Path(),
        {family: table_of(bundle.files[f"tables/{family}.json"]) for _, family in config["eras"]},
        config["lists"],
        config["provider_quarters"],
    )
    return Question(
        tuple(
            era_of(
                holdings,
                epoch,
                family,
                tuple(Suspect(account, roll) for account, roll in accounts[f"{epoch}/{family}"]),
                _published(bundle, f"commitments/{epoch}-{family}.json"),
            )
            for epoch, family in config["eras"]
        ),
        () if declared is None else declared.clusters,
        Rules(alpha=config["alpha"], uplift=config["uplift"]),
    )


def _published(bundle: Bundle, name: str) -> Commitment | None:
    return Commitment(**bundle.data(name)) if name in bundle.files else None


def _declared(bundle: Bundle) -> Declared | None:
    if CLUSTERS not in bundle.files:
        return None
    data = bundle.data(CLUSTERS)
    clusters = tuple(Cluster(name, frozenset(members)) for name, members in data["clusters"].items())
    return Declared(clusters, data["declared"], data["sha256"])


def _differing(one: Any, two: Any, place: str) -> Iterator[str]:
    """Paths such as `verdict.accounts.0.p`."""
    if isinstance(one, dict) and isinstance(two, dict):
        for name in sorted(one.keys() | two.keys()):
            yield from _differing(one.get(name), two.get(name), f"{place}.{name}" if place else name)
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for at, pair in enumerate(zip(one, two, strict=True)):
            yield from _differing(*pair, f"{place}.{at}")
    elif one != two:
        yield place
