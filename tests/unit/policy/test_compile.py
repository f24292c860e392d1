from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.account import Principal
from gateway.policy.compile import PolicySet, compile_files, load_policies
from gateway.yamlio import YamlProblems
from tests.support.policies import NOW, account, model, policy, policy_file, policy_set, principal

DAY = 86_400_000
RPM = "limits: {rpm: {unit: requests, per: account, amount: 60, window: 1m}}\n"


def test_the_revision_is_what_the_set_means() -> None:
    one, two = policy(RPM, id="one"), policy(RPM, id="two")
    spaced = policy(RPM.replace("1m", "60s") + "# a comment\n", id="one")
    revision = policy_set(one, two).revision
    assert len(revision) == 12
    assert revision == policy_set(two, one).revision == policy_set(spaced, two).revision
    assert revision != policy_set(one).revision
    assert revision != policy_set(policy(RPM.replace("60", "61"), id="one"), two).revision
    assert revision != policy_set(policy(RPM + "mode: off\n", id="one"), two).revision


def test_the_same_question_gives_the_same_plan_object() -> None:
    rules, who, on = policy_set(policy(RPM)), principal(), model()
    first = rules.plan(who, "chat", on, NOW)
    assert rules.plan(Principal(who.account, "k1"), "chat", on, NOW + 5) is first


def test_a_changed_account_or_model_is_never_answered_from_the_cache() -> None:
    rules, on = policy_set(policy(RPM, match="{tier: free}")), model()
    assert len(rules.plan(principal(), "chat", on, NOW).limits) == 1
    assert rules.plan(principal(tier="pro"), "chat", on, NOW).limits == ()
    assert len(rules.plan(principal(), "chat", on, NOW).limits) == 1
    who = principal()
    first = rules.plan(who, "chat", on, NOW)
    assert rules.plan(who, "chat", replace(on, max_output=1), NOW) is not first


def test_key_dialect_and_model_have_plans_of_their_own() -> None:
    rules, facts = policy_set(policy(RPM.replace("account", "key"))), account()
    keys = {rules.plan(Principal(facts, key), "chat", model(), NOW).specs[0].key for key in ("k1", "k2")}
    assert keys == {"key:k1|requests|60s|*", "key:k2|requests|60s|*"}
    bound = policy_set(policy(RPM, match="{dialect: chat, model: m1}"))
    assert len(bound.plan(principal(), "chat", model(), NOW).specs) == 1
    assert bound.plan(principal(), "messages", model(), NOW).specs == ()
    assert bound.plan(principal(), "chat", model("m2"), NOW).specs == ()


def test_an_exception_ends_on_time_though_the_plan_was_cached() -> None:
    text = RPM + "exceptions: [{account: acme, reason: r, owner: o, until: 2026-03-03}]\n"
    rules, who, on = policy_set(policy(text)), principal(), model()
    assert rules.plan(who, "chat", on, NOW).limits == ()
    assert rules.plan(who, "chat", on, NOW + DAY + DAY // 2 - 1).policies == ()
    assert len(rules.plan(who, "chat", on, NOW + DAY + DAY // 2).limits) == 1


def test_an_exception_is_for_one_account() -> None:
    text = RPM + "exceptions: [{account: other, reason: r, owner: o, until: 2099-01-01}]\n"
    assert len(policy_set(policy(text)).plan(principal(), "chat", model(), NOW).limits) == 1


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    rules = PolicySet([policy(RPM)], max_plans=2)
    who, often, others = principal(), model("often"), [model(f"m{n}") for n in range(5)]
    first = rules.plan(who, "chat", often, NOW)
    forgotten = rules.plan(who, "chat", others[0], NOW)
    for other in others[1:]:
        assert rules.plan(who, "chat", often, NOW) is first
        rules.plan(who, "chat", other, NOW)
    assert rules.plan(who, "chat", others[0], NOW) is not forgotten
    assert len(rules._plans) == 2


def test_limits_for_gathers_all_routes_and_models_once() -> None:
    text = """
limits:
  all: {unit: requests, per: account, amount: 60, window: 1m}
  each: {unit: output_tokens, per: account, amount: 60, window: 1m, models: each}
"""
    chat = "limits: {chat: {unit: requests, per: account, amount: 5, window: 1m}}"
    rules = policy_set(policy(text, id="a"), policy(chat, id="b", match="{dialect: chat}"))
    keys = [limit.spec.key for limit in rules.limits_for(principal(), [model("m1"), model("m2")], NOW)]
    assert keys == [
        "account:acme|output_tokens|60s|m1",
        "account:acme|output_tokens|60s|m2",
        "account:acme|requests|60s|*",
        "account:acme|requests|60s|*@chat",
    ]
    assert policy_set(policy(chat, match="{not: {dialect: chat}}")).limits_for(principal(), [model()], NOW)
    assert rules.limits_for(principal(), [], NOW) == ()


def test_what_cannot_be_counted_exactly_does_not_compile() -> None:
    text = "limits: {huge: {unit: total_tokens, per: org, amount: 9007199254740993, window: 30d}}"
    with pytest.raises(YamlProblems, match=r"p\.yaml:6:\d+: limits\.huge: .*exactly"):
        compile_files([policy_file(text)])
    money = "budgets: {huge: {unit: usd, per: org, amount: 99000000, period: month}}"
    with pytest.raises(YamlProblems, match=r"budgets\.huge"):
        compile_files([policy_file(money)])


def test_a_folder_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    head = "version: 1\nid: {}\ntitle: T\nstatus: stable\nmatch: all\n"
    (tmp_path / "b.yaml").write_text(head.format("b") + RPM)
    (tmp_path / "a.yaml").write_text(head.format("a") + RPM)
    assert [one.id for one in load_policies(tmp_path).policies] == ["a", "b"]
    (tmp_path / "c.yaml").write_text(head.format("c") + "limit: 5\n")
    with pytest.raises(YamlProblems, match="did you mean 'limits'"):
        load_policies(tmp_path)
