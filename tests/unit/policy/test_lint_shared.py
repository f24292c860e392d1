from gateway.policy.lint import Known
from gateway.policy.lint_shared import SHARED_RULES
from gateway.yamlio import load
from tests.support.policies import linted, model, policy_file, shared

DEFINITIONS = shared(
    """fragments:
  used: {use: inner}
  inner: {tier: free}
  idle: {text: {words: idle-words}}
words:
  sought: [x]
  idle-words: [y]
  written: [z]
  nobody: [w]
terms:
  closed: {document: D, distillation: forbidden}
  asked-for: {document: D, distillation: forbidden}
  spare: {document: D, distillation: allowed}
"""
)
POLICY = policy_file(
    """rules:
  r: {when: {use: used, text: {words: sought}}, then: flag}
  s: {when: {terms: {profile: [asked-for, unknown]}}, then: flag}
output:
  o: {text: {words: written}, how: after}
"""
)
MODELS = (model("m1", terms="closed"), model("m2"))


def test_p401_what_nothing_uses() -> None:
    found = linted(SHARED_RULES, POLICY, definitions=DEFINITIONS, known=Known(models=MODELS))
    assert found == [("P401", line, "definitions.yaml") for line in (5, 10, 14)]


def test_p401_profiles_are_judged_only_where_models_are_known_and_nothing_without_all_policies() -> None:
    assert [line for _, line, _ in linted(SHARED_RULES, POLICY, definitions=DEFINITIONS)] == [5, 10]
    assert linted(SHARED_RULES, POLICY, definitions=DEFINITIONS, whole=False) == []


def test_p402_a_profile_that_nobody_wrote() -> None:
    asks = "rules:\n  r:\n    when: {{terms: {{profile: {}}}}}\n    then: flag\n"
    known = shared("terms: {closed: {document: D, distillation: forbidden}}")
    assert linted(SHARED_RULES, policy_file(asks.format("[closed, unknown]")), definitions=known) == []
    assert linted(SHARED_RULES, policy_file(asks.format("[closed, close]")), definitions=known) == [
        ("P402", 8, "p.yaml")
    ]
    fragment = shared("fragments:\n  f: {not: {terms: {profile: gone}}}\n")
    found = linted(SHARED_RULES, policy_file("rules: {r: {when: {use: f}, then: flag}}"), definitions=fragment)
    assert found == [("P402", 3, "definitions.yaml")]


def test_p402_a_model_with_a_profile_that_nobody_wrote() -> None:
    catalogue = load("models:\n  m1:\n    terms: closed\n  m2:\n    terms: closd\n", "models.yaml")
    models = (model("m1", terms="closed"), model("m2", terms="closd"))
    known = Known(models=models, catalogue=catalogue)
    definitions = shared("terms: {closed: {document: D, distillation: forbidden}}")
    assert linted(SHARED_RULES, policy_file(), definitions=definitions, known=known) == [("P402", 5, "models.yaml")]


def test_p403_terms_of_models_that_have_none() -> None:
    known = Known(models=MODELS)
    whole = policy_file("access:\n  terms: true\n")
    assert linted(SHARED_RULES, whole, known=known) == [("P403", 7, "p.yaml")]
    assert linted(SHARED_RULES, whole) == []
    for clean in (
        policy_file("access:\n  terms: true\n  models: m1\n"),
        policy_file("access:\n  terms: true\n", match="{model: m1}"),
        policy_file("access:\n  terms: false\n"),
    ):
        assert linted(SHARED_RULES, clean, known=known) == []
