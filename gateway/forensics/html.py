"""The report as one HTML file: no scripts, nothing fetched, everything that came from outside escaped."""

import json
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, Final

from gateway.forensics.page import plain
from gateway.forensics.plots import against_decoys, along

MOST_ROWS: Final = 500
"""Documents in the table of the page; the JSON holds more."""

MOST_NAMES: Final = 20
"""Accounts of one document in the page."""

_SHOWN: Final = {"scores", "wording", "documents", "registry"}
"""Of the report: what the page shows in other places than as data."""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b }
table { border-collapse: collapse; width: 100%; font-size: 13px; margin: 1rem 0 }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }
h1 span { background: #eee; padding: .1rem .5rem; border-radius: .3rem }
svg { width: 100%; height: auto; margin: .5rem 0 } svg text { font-size: 11px; fill: #555 }
.caption { font-size: 13px; color: #555; margin-top: 0 }
.decoy { fill: #9db4c8 } .axis { stroke: #888 } .leader { stroke: #555; stroke-width: 1.5 }
.window { stroke: #6b8299; stroke-width: 3 } .fires { stroke: #b3261e; stroke-width: 3 }
.threshold { stroke: #b3261e; stroke-dasharray: 5 4 } pre { overflow: auto; font-size: 12px; background: #f6f6f6 }
"""


def html(report: dict[str, Any]) -> str:
    """The page."""
    title = report["verdict"]["name"].replace("_", " ")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        f'<meta name="referrer" content="no-referrer"><title>{_text(title)}</title><style>{_STYLE}</style></head>'
        "<body>\n"
        f"<h1>Verdict: <span>{_text(title)}</span></h1>\n{''.join(_body(report))}</body></html>\n"
    )


def _body(report: dict[str, Any]) -> Iterator[str]:
    yield from (f"<p>{_text(sentence)}</p>\n" for sentence in report["wording"])
    yield from (f"<p><strong>Note:</strong> {_text(note)}.</p>\n" for note in report["notes"])
    verdict = report["verdict"]
    if verdict["accounts"]:
        rows = [(one["account"], one["p"], one["epoch"], one["family"]) for one in verdict["accounts"]]
        yield _table(("account", "corrected p", "epoch", "model family"), rows)
    yield "<h2>What was tested</h2>\n"
    yield _table(("", ""), _facts(report))
    if report["registry"]:
        yield from _registry(report["registry"])
    if "documents" in report:
        yield from _documents(report)
    scores = report.get("scores", {})
    for look in (*scores.get("looks", ()), *scores.get("pooled", ())):
        yield from _look(look, scores.get("threshold_z", 0.0))
    if scores.get("windows"):
        yield "<h2>Where in the text</h2>\n"
        yield along(scores["windows"], max(one["to_word"] for one in scores["windows"]), scores["threshold_z"])
    yield f"<h2>As data</h2>\n<pre>{_text(json.dumps(_slim(report), indent=1, ensure_ascii=False))}</pre>\n"


def _facts(report: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    given, tried, power = report["input"], report["tried"], report["power"]
    yield "input", given.get("name", f"{given.get('documents')} documents")
    yield "SHA-256", given["sha256"]
    yield "words", f"{given['words']}, of which {given['scored']} were scored"
    for era in report["tested"]:
        keys = f"{era['accounts']} accounts, scheme {era['scheme']}, keys {era['keys']}"
        yield f"{era['epoch']}, {era['family']}", f"{keys}, commitment {era['commitment']['check']}"
    yield "corrected for", f"{tried['total']} tests"
    yield "alpha", report["alpha"]
    yield "power", f"{power['chance']} for a mark of uplift {power['uplift']}"
    yield "made", f"{report['made_at']} by {report['by']}, {report['tool']['name']} {report['tool']['version']}"


def _registry(registry: dict[str, Any]) -> Iterator[str]:
    searched = registry["searched"]
    yield "<h2>Fingerprints</h2>\n"
    yield f"<p>{searched['answers']:,} answers in {len(searched['folders'])} folders were searched.</p>\n"
    words = {True: "yes", False: "no", None: "nothing to compare"}
    if registry["accounts"]:
        rows = ((one["account"], words[one["corroborated"]]) for one in registry["accounts"])
        yield _table(("fired", "corroborated by fingerprints"), rows)
    holders = registry.get("holders", [])
    if holders:
        head = ("served to", "fired", "documents", "answers", "rare grams", "longest run, words", "first served")
        yield _table(head, map(_holder, holders[:MOST_ROWS]))
    if len(holders) > MOST_ROWS:
        yield f"<p>And {len(holders) - MOST_ROWS} more accounts: the JSON has all.</p>\n"
    listed = registry.get("documents", {}).get("listed", [])
    if listed:
        yield _table(("document", "served to"), map(_held, listed[:MOST_ROWS]))


def _held(one: dict[str, Any]) -> tuple[str, str]:
    names = [holder["account"] for holder in one["holders"]]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return one["document"], ", ".join(names[:MOST_NAMES]) + more


def _holder(one: dict[str, Any]) -> tuple[Any, ...]:
    fired = "yes" if one["fired"] else ""
    counts = (one["documents"], one["answers"], one["rare_grams"], one["longest_run_words"])
    return one["account"], fired, *counts, one["first_served"]


def _documents(report: dict[str, Any]) -> Iterator[str]:
    documents = report["documents"]
    marked = documents["marked"]
    low, high = marked["interval_95"]
    yield "<h2>Documents</h2>\n"
    yield (
        f"<p>{marked['count']} of {documents['tested']} documents are marked at q ≤ {marked['q']} "
        f"(95 % interval of the share: {low} to {high}). {documents['fired_count']} fire alone.</p>\n"
    )
    rows = report.get("scores", {}).get("documents")
    if rows is not None:
        head = ("document", "verdict", "words", "best", "z", "corrected p", "q")
        yield _table(head, (_row(row) for row in rows[:MOST_ROWS]))


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    best = row["best"]
    who = best.get("account") or best.get("cluster") or "provider"
    return row["document"], row["verdict"], row["words"], who, best["z"], best["corrected_p"], row["q"]


def _look(look: dict[str, Any], threshold: float) -> Iterator[str]:
    yield f"<h2>Scores: {_text(look['epoch'])}, {_text(look['family'])}, list {look['list']}</h2>\n"
    yield against_decoys(look, threshold)
    head = ("account", "z", "corrected p", "tail", "rank among decoys")
    rows = [
        (
            one["account"],
            one["z"],
            one["corrected_p"],
            f"{one['tail']['p']} ({one['tail']['method']})",
            one["decoy_rank_p"],
        )
        for one in look["leaders"]
    ]
    if look["provider"]:
        rows.append(("(provider)", look["provider"]["z"], look["provider"]["corrected_p"], "", ""))
    yield _table(head, rows)


def _slim(report: dict[str, Any]) -> dict[str, Any]:
    """Without what the page shows already."""
    return {name: value for name, value in report.items() if name not in _SHOWN}


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    first = f"<tr>{top}</tr>\n" if any(head) else ""
    return f"<table>\n{first}{body}</table>\n"


def _text(value: Any) -> str:
    return "\n".join(escape(plain(line)) for line in str(value).split("\n"))
