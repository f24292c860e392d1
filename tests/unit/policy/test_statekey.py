import pytest

from gateway.policy.compiling import Compiler
from gateway.policy.conditions import cover
from gateway.policy.situation import Situation
from gateway.policy.statekey import scope_key
from gateway.policy.traffic import EVERY, Traffic
from tests.support.policies import NOW, model, policy, principal


def traffic(match: str) -> str:
    """The name of the set, on the first of some models that is in it."""
    node = Compiler().condition(policy(match=match).match, ())
    models = [model(name) for name in ("a", "z", "audit", "llama3:8b", "gpt-4")]
    found = (cover(node, Situation(principal(), "chat", one, NOW)) for one in models)
    return next(str(one) for one in found if one is not None)


def test_scopes_name_whose_use_is_counted() -> None:
    who = principal("K9")
    assert [scope_key(per, who) for per in ("key", "account", "org")] == ["key:K9", "account:acme", "org:org1"]


def test_ids_cannot_imitate_the_structure_of_a_key() -> None:
    twisted = [scope_key("account", principal(id=name)) for name in ("a|b", "a:b", "a%7Cb", "a%3Ab")]
    assert len(set(twisted)) == 4
    assert all(key.count(":") == 1 and "|" not in key for key in twisted)


@pytest.mark.parametrize(
    ("match", "name"),
    [
        ("all", "*"),
        ("{tier: free}", "*"),
        ("{tier: free, not: {tier: pro}}", "*"),
        ("{model: '*'}", "*"),
        ("{model: [b, a, b]}", "a,b"),
        ("{model: [a, b]}", "a,b"),
        ("{model: 'llama3:8b'}", "llama3%3A8b"),
        ("{dialect: [messages, chat]}", "*@chat,messages"),
        ("{model: 'gpt-*', dialect: chat}", "gpt-*@chat"),
        ("{not: {model: a}}", "*!(a)"),
        ("{not: {model: a, tier: free}}", "*!(a)"),
        ("{not: {model: a, tier: pro}}", "*"),
        ("{not: {model: 'a,b'}}", "*!(a%2Cb)"),
        ("{model: audit}", "%61udit"),
    ],
)
def test_a_set_of_requests_has_one_name(match: str, name: str) -> None:
    assert traffic(match) == name


def test_naming_one_model_settles_what_was_said_of_models() -> None:
    wide = EVERY.on_models(("m*",)).on_dialects(("chat",)).without(Traffic(models=("x",)))
    assert str(wide.on_model("m1")) == "m1@chat"
    assert str(EVERY.without(Traffic(models=("x",), dialects=("chat",))).on_model("m1")) == "m1!(x@chat)"


def test_a_list_within_a_match_is_not_the_list_alone() -> None:
    assert str(EVERY.on_models(("a*",)).on_models(("ab", "ac"))) == "a*&ab,ac"
    assert str(EVERY.on_models(("ab", "ac")).on_models(("a*",))) == "a*&ab,ac"
