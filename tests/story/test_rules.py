"""Rules on requests through the whole gateway: what callers get, what the upstream gets, what the record says."""

from contextlib import ExitStack

import pytest

from tests.support.administering import done
from tests.support.ruled import EVERY, WORDS, Scene, error_of, rules
from tests.support.talking import code, policy

REFUSED = {"deny": "policy_denied", "review": "review_required", "declare": "purpose_required"}
ACTIONS = {
    "deny": "deny", "review": "review", "declare": "declare", "flag": "flag", "tag": "{tag: campaign-7}",
    "propose": "propose_suspension", "one": "{reduce: {max_n: 1}}",
}  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    policies = {
        **policy(name="ladder", more=rules(**ACTIONS) + WORDS),
        **policy(name="trial", mode="audit", more=rules(**{f"try-{name}": then for name, then in ACTIONS.items()})),
    }
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("gateway"), policies)


# refusals


@pytest.mark.parametrize("want", REFUSED)
@pytest.mark.parametrize(("dialect", "stream"), EVERY)
def test_a_refusal_names_the_policy_and_what_would_help(scene, dialect, stream, want):
    answer = scene.ask(dialect, want, stream=stream)
    error, details = error_of(answer, dialect)
    assert (answer.status, code(answer), scene.reached) == (403, REFUSED[want], 0)
    assert answer.header("content-type") == "application/json"
    assert (details["policy"], details["rule"], details["clause"]) == ("ladder", want, "Terms, 4")
    assert details["contact"] == "trust@example.com"
    assert details["revision"] == scene.gateway.runtime.snapshot.policies.revision
    assert error["message"].startswith("policy 'Ladder' ")
    assert error["message"].endswith(". Ask us first (contact: trust@example.com)")
    assert answer.header("x-should-retry") == "false"
    assert answer.header("retry-after") is None
    assert scene.findings == [(want, want, "enforce", REFUSED[want])]
    assert (scene.record.status, scene.record.reason, scene.record.policy) == (403, REFUSED[want], "ladder")
    assert scene.record.clause == "Terms, 4"


def test_the_strongest_refusal_decides_and_all_are_recorded(tmp_path):
    any_want = rules(declare="declare", deny="deny", review="review").replace("want: declare", "want: '*'")
    with ExitStack() as stack:
        scene = Scene(stack, tmp_path, policy(name="ladder", more=any_want))
        assert code(scene.ask(want="deny")) == "policy_denied"
        assert [found[0] for found in scene.findings] == ["declare", "deny"]
        assert code(scene.ask(want="review")) == "review_required"
        assert [found[0] for found in scene.findings] == ["declare", "review"]
        assert code(scene.ask(want="something")) == "purpose_required"


# what changes nothing for the caller


@pytest.mark.parametrize(("want", "finding"), [
    ("flag", ("flag", "flag", "enforce", "flagged")), ("tag", ("tag", "tag", "enforce", "tagged")),
    ("propose", ("propose", "propose_suspension", "enforce", "suspension_proposed")),
    *((f"try-{name}", (f"try-{name}", name, "audit", reason)) for name, reason in REFUSED.items()),
    ("try-tag", ("try-tag", "tag", "audit", "tagged")), ("try-one", ("try-one", "reduce", "audit", "request_reduced")),
])  # fmt: skip
@pytest.mark.parametrize(("dialect", "stream"), EVERY)
def test_what_is_only_noted_changes_nothing(scene, dialect, stream, want, finding):
    plain = scene.ask(dialect, stream=stream)
    sent = scene.sent
    noted = scene.ask(dialect, want, stream=stream)
    assert (noted.status, noted.body, scene.sent, scene.reached) == (200, plain.body, sent, 1)
    names = {name for name, _ in noted.headers}
    assert names == {name for name, _ in plain.headers}
    assert scene.findings == [finding]
    assert scene.record.tags == (("campaign-7",) if want == "tag" else ())


def test_suspensions_are_proposed_to_people_and_only_in_force(scene):
    before = {one["account"]: one["count"] for one in done(scene.gateway, "GET", "proposals")["proposals"]}
    scene.ask(want="propose")
    scene.ask(want="try-propose")
    scene.ask(want="propose", key=scene.gateway.keys["ada"])
    found = {one["account"]: one for one in done(scene.gateway, "GET", "proposals")["proposals"]}
    assert (found["acme"]["policy"], found["acme"]["rule"]) == ("ladder", "propose")
    assert found["acme"]["count"] == before.get("acme", 0) + 1
    assert found["ada"]["count"] == before.get("ada", 0) + 1
    assert scene.ask().status == 200, "nobody is suspended by it"
    done(scene.gateway, "PUT", "accounts/acme/standing", {"standing": "clear", "reason": "looked at it"})
    left = [one["account"] for one in done(scene.gateway, "GET", "proposals")["proposals"]]
    assert left == ["ada"], "a person has looked at acme"
