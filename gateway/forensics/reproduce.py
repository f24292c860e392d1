"""Running a bundle's test again, from the bundle, the text and the master secret: the same report, or what differs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from gateway.forensics.bundle import BadBundle, Bundle
from gateway.forensics.clusters import Declared
from gateway.forensics.corpus import CorpusExamined, examine_corpus
from gateway.forensics.document import Examined, examine
from gateway.forensics.dossier import ACCOUNTS, CLUSTERS, CONFIG, FORMAT, REPORT
from gateway.forensics.eras import Suspect
from gateway.forensics.inputs import BadInput, Source, documents
from gateway.forensics.load import Holdings, era_of
from gateway.forensics.prompt import Grams, grams_of
from gateway.forensics.question import Question
from gateway.forensics.report import Context, report_of
from gateway.forensics.tables import table_of
from gateway.watermarks.epochs import Commitment
from gateway.watermarks.evidence import Cluster
from gateway.watermarks.keys import Master
from gateway.watermarks.verdict import Rules

MOST_SHOWN: Final = 50
"""Differences that are named."""
_NOT_COMPARED: Final = ("tool.version",)


def differences(bundle: Bundle, master: Master, files: Sequence[Source], prompt: str | None) -> list[str]:
    """Places of the report where the second run says something else; none where both are the same.

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
    result = _again(config, question, files, grams, report["input"].get("name", ""))
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
    again = json.loads(json.dumps(report_of(result, question, context, scores=True)))
    return [place for place in _differing(again, report, "") if place not in _NOT_COMPARED][:MOST_SHOWN]


def _again(
    config: Mapping[str, Any], question: Question, files: Sequence[Source], grams: Grams, name: str
) -> Examined | CorpusExamined:
    found = documents(files, config["field"], grams)
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
