"""A rule's revision changes with what it looks for, and with nothing else."""

from gateway.policy.compile import PolicySet
from gateway.policy.definitions import Definitions, DefinitionsFile
from gateway.validate import build
from gateway.yamlio import load
from tests.support.policies import policy

TEXT = "rules: {r: {when: {text: {phrases: [alpha]}}, then: flag}}"


def shared(text):
    file = build(load("version: 1\n" + text, "definitions.yaml"), DefinitionsFile)
    return Definitions(file.fragments, file.words, file.terms)


def revision(text, definitions="", **head):
    [compiled] = PolicySet([policy(text, **head)], shared(definitions)).compiled
    return compiled.rules[0].revision


def rule(when, then="flag"):
    return f"rules: {{r: {{when: {when}, then: {then}}}}}"


def test_only_rules_on_what_no_record_holds_have_one():
    for when in ("{n: {at_least: 2}}", "{country: DE, time: {days: [mon]}}", "{client_country: DE}"):
        assert revision(rule(when)) == ""
    for when in (
        "{text: {phrases: [a1]}}",
        "{headers: {via: x}}",
        "{address: 192.0.2.0/24}",
        "{distinct_prompts: {at_least: 3}}",
        "{any: [{n: {at_least: 2}}, {not: {headers: {via: x}}}]}",
    ):
        assert len(revision(rule(when))) == 8


def test_what_the_rule_looks_for_changes_it():
    seen = [
        revision(rule(when), definitions)
        for when, definitions in (
            ("{text: {phrases: [alpha]}}", ""),
            ("{text: {phrases: [alpha, beta]}}", ""),
            ("{text: {words: w}}", "words: {w: [alpha]}"),
            ("{text: {words: w}}", "words: {w: [alpha, beta]}"),
            ("{text: {patterns: [alpha]}}", ""),
            ("{text: {phrases: [alpha], in: user}}", ""),
            ("{not: {text: {phrases: [alpha]}}}", ""),
            ("{text: {phrases: [alpha]}, n: {at_least: 2}}", ""),
            ("{any: [{text: {phrases: [alpha]}}, {n: {at_least: 2}}]}", ""),
            ("{use: f}", "fragments: {f: {headers: {via: x}}}"),
            ("{use: f}", "fragments: {f: {headers: {via: y}}}"),
        )
    ]
    assert len(set(seen)) == len(seen)


def test_what_it_does_and_how_it_is_written_does_not():
    same = revision(TEXT)
    assert revision(rule("{text: {phrases: [alpha]}}", "{tag: seen}")) == same
    assert revision(TEXT, id="other", match="{tier: free}") == same
    assert revision(rule("{use: f}"), "fragments: {f: {text: {phrases: [alpha]}}}") == same
    two = "{all: [{n: {at_least: 2}}, {text: {phrases: [beta, alpha]}}]}"
    turned = "{all: [{text: {phrases: [alpha, beta]}}, {n: {at_least: 2}}]}"
    assert revision(rule(two)) == revision(rule(turned))


def test_terms_that_it_refers_to_count():
    when = "{text: {phrases: [alpha]}, terms: {distillation: forbidden}}"
    profile = "terms: {open: {document: Licence, distillation: %s}}"
    assert revision(rule(when), profile % "allowed") != revision(rule(when), profile % "forbidden")
