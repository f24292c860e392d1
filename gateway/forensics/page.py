"""The report on one page of plain text."""

import unicodedata
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

WIDTH: Final = 100
MOST_HOLDERS: Final = 20
"""Accounts that the page lists of the registry's; the JSON has all."""


def page(report: dict[str, Any]) -> str:
    """The page. Names from outside lose what would move a terminal's cursor."""
    return "\n".join(plain(line) for line in _lines(report)) + "\n"


def plain(text: str) -> str:
    """Without control, format and line characters."""
    return "".join("?" if unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp", "Cs"} else each for each in text)


def _lines(report: dict[str, Any]) -> Iterator[str]:
    verdict, given = report["verdict"], report["input"]
    yield f"verdict    {verdict['name'].replace('_', ' ')} ({verdict['reason'].replace('_', ' ')})"
    for one in verdict["accounts"]:
        yield f"account    {one['account']}  p {one['p']}, epoch {one['epoch']}, family {one['family']}"
    if verdict["provider"]:
        yield f"provider   p {verdict['provider']['p']}"
    for one in verdict["clusters"]:
        yield f"set        {one['cluster']}  p {one['p']}"
    yield f"input      {given['sha256']}  {_input(given)}"
    yield from _tested(report)
    if report["registry"]:
        yield from _registry(report["registry"])
    if "documents" in report:
        yield from _documents(report["documents"])
    scores = report.get("scores", {})
    yield from (line for look in (*scores.get("looks", ()), *scores.get("pooled", ())) for line in _look(look))
    yield from _windows(scores.get("windows", ()))
    yield ""
    for sentence in (*report["wording"], *(f"Note: {note}." for note in report["notes"])):
        yield from wrap(sentence, WIDTH)


def _input(given: dict[str, Any]) -> str:
    if given["kind"] == "corpus":
        return f"{given['documents']} documents, {given['near_duplicates']} near-duplicates left out"
    return f"{given['name']}, {given['words']} words, {given['scored']} scored"


def _tested(report: dict[str, Any]) -> Iterator[str]:
    for era in report["tested"]:
        keys = f"{era['epoch']}/{era['family']}: {era['accounts']} accounts, commitment {era['commitment']['check']}"
        yield f"tested     {keys}"
    tried = report["tried"]
    parts = " × ".join(f"{tried[name]} {name}" for name in ("epochs", "schemes", "windows", "lists", "runs"))
    hypotheses = tried["accounts"] + tried["clusters"] + tried["provider"]
    yield f"corrected  for {tried['total']} tests: {hypotheses} hypotheses × {parts}"


def _registry(registry: dict[str, Any]) -> Iterator[str]:
    answers = registry["searched"]["answers"]
    words = {True: "corroborated", False: "not corroborated", None: "nothing to compare"}
    each = [f"{one['account']} {words[one['corroborated']]}" for one in registry["accounts"][:MOST_HOLDERS]]
    others = ["other accounts hold passages"] if registry["others_hold"] else []
    yield f"registry   {answers:,} answers searched: {'; '.join([*each, *others]) or 'no account holds enough of it'}"
    holders = registry.get("holders", [])
    for one in holders[:MOST_HOLDERS]:
        fired = ", fired" if one["fired"] else ""
        counts = (
            f"{one['answers']} answers, {one['rare_grams']} rare grams, longest run {one['longest_run_words']} words"
        )
        yield f"           {one['account']}: {counts}, first served {one['first_served']}{fired}"
    if len(holders) > MOST_HOLDERS:
        yield f"           and {len(holders) - MOST_HOLDERS} more accounts: --json"


def _documents(documents: dict[str, Any]) -> Iterator[str]:
    marked = documents["marked"]
    low, high = marked["interval_95"]
    yield f"marked     {marked['count']} of {documents['tested']} at q ≤ {marked['q']} (95 % interval {low} to {high})"
    yield f"fired      {documents['fired_count']} documents alone; together: {documents['pooled_verdict']['name']}"
    for one in documents["fired"][:10]:
        names = ", ".join(each["account"] for each in one["accounts"][:5]) or one["name"]
        yield f"           {one['document']}: {names}"


def _look(look: dict[str, Any]) -> Iterator[str]:
    yield f"{look['epoch']}/{look['family']} list {look['list']}: {look['units']} units"
    for one in look["leaders"]:
        fires = "  fires" if one["fires"] else ""
        yield f"           {one['account']}  z {one['z']}, corrected p {one['corrected_p']}{fires}"
    if look["provider"]:
        yield f"           provider  z {look['provider']['z']}, corrected p {look['provider']['corrected_p']}"
    yield f"           decoys  best z {look['decoys']['best_z']}, standard deviation {look['decoys']['z_sd']}"


def _windows(windows: Sequence[dict[str, Any]]) -> Iterator[str]:
    fired = sorted((one for one in windows if one["fires"]), key=lambda one: one["from_word"])
    for one in fired[:10]:
        who = one.get("account") or one.get("cluster") or "provider"
        yield f"window     words {one['from_word']} to {one['to_word']}: {who}, corrected p {one['corrected_p']}"
    if windows:
        yield f"windows    {len(fired)} of {len(windows)} fire"
