"""The files of an evidence bundle: what was asked, with which keys and accounts, what came of it, and every decoy."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.forensics.clusters import Declared
from gateway.forensics.corpus import CorpusExamined
from gateway.forensics.document import Examined
from gateway.forensics.html import html
from gateway.forensics.load import Holdings
from gateway.forensics.page import page
from gateway.forensics.question import Question
from gateway.forensics.tables import table_bytes

FORMAT: Final = 1
CONFIG: Final = "config.json"
ACCOUNTS: Final = "accounts.json"
CLUSTERS: Final = "clusters.json"
REPORT: Final = "report.json"
TEXT: Final = "input.txt"
PROMPT: Final = "prompt.txt"


@dataclass(frozen=True, slots=True)
class Asked:
    """How the detector was run, as far as the question does not say it."""

    corpus: bool
    windows: bool
    runs: int
    """All runs that were counted, this one included."""
    field: str


def files_of(
    result: Examined | CorpusExamined,
    report: Mapping[str, Any],
    question: Question,
    holdings: Holdings,
    asked: Asked,
    *,
    declared: Declared | None,
    texts: Mapping[str, str],
) -> dict[str, bytes]:
    """Name → content. `texts` are the input and the prompt where the bundle is to hold them."""
    whole = dict(report)
    files = {
        CONFIG: _json(_config(question, holdings, asked)),
        ACCOUNTS: _json({era.name: [[one.account, one.roll] for one in era.suspects] for era in question.eras}),
        REPORT: _json(whole),
        "report.txt": page(whole).encode("utf-8", "replace"),
        "report.html": html(whole).encode("utf-8", "replace"),
        **{name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()},
    }
    for era in question.eras:
        files[f"tables/{era.family}.json"] = table_bytes(holdings.tables[era.family])
        if era.committed is not None:
            files[f"commitments/{era.epoch}-{era.family}.json"] = _json(era.committed)
    if declared is not None:
        members = {cluster.name: sorted(cluster.members) for cluster in declared.clusters}
        files[CLUSTERS] = _json({"declared": declared.declared, "sha256": declared.sha256, "clusters": members})
    seen = result.seen if isinstance(result, Examined) else result.pooled.seen
    for look in seen.looks:
        name = f"decoys/{look.era.epoch}-{look.era.family}-list-{look.list_index}.csv"
        leaves = look.era.keys.leaves()[1:]
        files[name] = "".join(_decoys(leaves, look.decoys.scores)).encode()
    return files


def _config(question: Question, holdings: Holdings, asked: Asked) -> dict[str, Any]:
    rules = question.rules
    return {
        "format": FORMAT,
        "eras": [[era.epoch, era.family] for era in question.eras],
        "lists": holdings.lists,
        "provider_quarters": holdings.provider_quarters,
        "alpha": rules.alpha,
        "uplift": rules.uplift,
        "corpus": asked.corpus,
        "windows": asked.windows,
        "runs": asked.runs,
        "field": asked.field,
    }


def _decoys(leaves: list[bytes], scores: tuple[int, ...]) -> Iterator[str]:
    """Each decoy's leaf in the commitment's tree, and its score: both can be made again from the decoy's seed."""
    yield "decoy,leaf,score\n"
    for at, (leaf, score) in enumerate(zip(leaves, scores, strict=True)):
        yield f"{at},{leaf.hex()},{score}\n"


def _json(document: Any) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"
