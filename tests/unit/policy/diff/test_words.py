"""Two sets of policies in words: whatever differs is named, whatever does not is not."""

import pytest

from gateway.policy.compile import PolicySet
from gateway.policy.definitions import Definitions, DefinitionsFile
from gateway.policy.diff.needs import needs_models
from gateway.policy.diff.words import differences
from gateway.validate import build
from gateway.yamlio import load
from tests.support.policies import policy


@pytest.fixture
def definitions():
    """Definitions from the text of their file, without its version."""

    def made(text):
        file = build(load("version: 1\n" + text, "definitions.yaml"), DefinitionsFile)
        return Definitions(file.fragments, file.words, file.terms)

    return made


def between(old, new):
    return [str(one) for one in differences(as_set(old), as_set(new))]


def as_set(given):
    return given if isinstance(given, PolicySet) else PolicySet(given if isinstance(given, list) else [given])


def test_nothing_differs():
    one = policy("limits: {a: {unit: requests, per: key, amount: 1, window: 60s}}", match="{tier: [free]}")
    same = policy("limits: {a: {window: 1m, amount: 1, per: key, unit: requests}}", match="{tier: free}")
    assert between(one, same) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "limits: {a: {unit: requests, per: account, amount: 60, window: 1m}}",
            "limits: {a: {unit: requests, per: account, amount: 30, window: 1m, burst: 5}}",
            ["p: limits.a: 60 requests in 1m per account → 30 requests in 1m (at most 5 at once) per account"],
        ),
        (
            "limits: {a: {unit: concurrent, per: key, amount: 4}}",
            "limits: {a: {unit: concurrent, per: key, amount: 4, models: each}}",
            ["p: limits.a: 4 requests at a time per key → 4 requests at a time per key for each model"],
        ),
        (
            "budgets: {m: {unit: usd, per: org, amount: 25, period: month}}",
            "budgets: {m: {unit: usd, per: org, amount: 2.5, period: month, anchor_day: 3, models: [a, b]}}",
            ["p: budgets.m: $25.00 a month per org in UTC → $2.50 a month per org on a, b from day 3 in UTC"],
        ),
        ("", "access: {max_n: 2, models: [a]}", ["p: access.models added: [a]", "p: access.max_n added: 2"]),
        ("access: {max_n: 2, logprobs: false}", "access: {max_n: 3, logprobs: false}", ["p: access.max_n: 2 → 3"]),
        (
            "rules: {r: {when: {n: {at_least: 2}}, then: {slow: 2s}}}",
            "rules: {r: {when: {n: {at_least: 2}}, then: deny}}",
            ["p: rules.r: {when: {n: {at_least: 2}}, then: {slow: 2s}} → {when: {n: {at_least: 2}}, then: deny}"],
        ),
        (
            "rules: {r: {when: {seed: true}, then: flag, until: '2026-05-31'}}",
            "",
            ["p: rules.r removed: {when: {seed: true}, then: flag, until: 2026-06-01T00:00:00Z}"],
        ),
        (
            "output: {o: {max_characters: 5, how: after}}",
            "output: {o: {max_characters: 6, how: after}}",
            ["p: output.o: {max_characters: 5, how: after} → {max_characters: 6, how: after}"],
        ),
        ("owner: one", "owner: two", ["p: owner: one → two"]),
        ("mode: audit", "mode: enforce", ["p: mode: audit → enforce"]),
        ("mode: enforce", "", []),
        ("clause: {document: Terms, section: '4'}", "clause: {document: Terms, section: '5'}",
         ["p: clause.section: 4 → 5"]),
        ("on_violation: {message: hello}", "", ["p: on_violation.message removed: hello"]),
        (
            "exceptions: [{account: a, reason: r, owner: o, until: '2026-05-31'}]",
            "",
            ["p: exceptions removed: [{account: a, reason: r, owner: o, until: 2026-06-01T00:00:00Z}]"],
        ),
    ],
)  # fmt: skip
def test_what_differs_is_named(old, new, says):
    assert between(policy(old), policy(new)) == says
    assert len(between(policy(new), policy(old))) == len(says)


def test_policies_that_come_and_go():
    one, two = policy("access: {max_n: 1}", id="one"), policy("access: {max_n: 1}", id="two", status="testing")
    assert between([one], [two]) == [
        "one: policy removed: Policy one (enforce)",
        "two: policy added: Policy two (audit)",
    ]


def test_a_status_that_changes_the_mode_is_both():
    assert between(policy(status="testing"), policy()) == ["p: mode: audit → enforce", "p: status: testing → stable"]


def test_whom_it_covers():
    assert between(policy(), policy(match="{tier: free, not: {verified: true}}")) == [
        "p: match: all → {tier: [free], not: {verified: true}}"
    ]


def test_what_policies_share(definitions):
    old = definitions(
        "words: {w: [a, b]}\nfragments: {f: {seed: true}}\nterms: {t: {document: D, distillation: allowed}}"
    )
    new = definitions(
        "words: {w: [b, c, d]}\nfragments: {g: {seed: true}}\nterms: {t: {document: D, distillation: forbidden}}"
    )
    assert [str(one) for one in differences(PolicySet([policy()], old), PolicySet([policy()], new))] == [
        "definitions.fragments.f removed: {seed: true}",
        "definitions.fragments.g added: {seed: true}",
        "definitions.words.w: 2 words, with a → 3 words, with c, d",
        "definitions.terms.t: {document: D, distillation: allowed} → {document: D, distillation: forbidden}",
    ]


def test_a_mark_shows_both_numbers_also_where_one_was_the_default():
    block = "watermark: {scheme: pairs%s}"
    plain, strong = policy(block % ""), policy(block % ", strength: 2, layers: account, entries: 300")
    (new,) = between(policy("access: {max_n: 1}"), policy("access: {max_n: 1}\n" + block % ""))
    assert new.startswith("p: watermark added: {scheme: pairs, strength: 1.0, layers: [account, provider], ")
    assert between(plain, strong) == [
        "p: watermark.strength: 1.0 → 2.0",
        "p: watermark.layers: [account, provider] → [account]",
        "p: watermark.entries added: 300",
    ]
    assert between(plain, policy(block % ", strength: 1.0, registry: false")) == []


def test_long_things_are_cut():
    [said] = between(policy("description: " + "x" * 5000), policy("description: y"))
    assert len(said) < 300


def test_a_revision_differs_exactly_when_words_do(definitions):
    sets = [
        PolicySet([policy(text, **head)], definitions(shared))
        for text in (
            "",
            "access: {max_n: 1}",
            "watermark: {scheme: pairs}",
            "watermark: {scheme: pairs, strength: 2}",
            "description: d",
            "disclose: clause",
            "false_positives: f",
        )
        for head in ({}, {"status": "testing"}, {"match": "{tier: a}"})
        for shared in ("", "words: {w: a}")
    ]
    for one in sets:
        for other in sets:
            assert (one.revision == other.revision) == (differences(one, other) == [])


@pytest.mark.parametrize(
    ("text", "head", "why"),
    [
        ("rules: {r: {when: {family: open}, then: flag}}", {}, "asks for the family of models"),
        ("", {"match": "{upstream: main}"}, "asks for the upstream of models"),
        ("", {"match": "{not: {terms: {profile: x}}}"}, "asks for the terms of models"),
        ("access: {terms: true}", {}, "enforces the terms of models"),
        ("access: {models: 'x*'}", {"match": "{model: y}"}, ""),
    ],
)
def test_what_a_replay_must_know_of_models(text, head, why):
    said = needs_models(PolicySet([policy(text, **head)]))
    assert why in said
    assert bool(said) == bool(why)
