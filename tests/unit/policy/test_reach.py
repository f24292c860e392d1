"""Which models a policy can have to do with, whoever calls."""

import pytest

from gateway.core.model import Model
from gateway.policy.compiling import Compiler
from gateway.policy.reach import reaches
from tests.support.policies import model, policy, shared

DEFINITIONS = shared(
    "fragments: {closed: {terms: {distillation: forbidden}}}\n"
    "terms: {shut: {document: D, distillation: forbidden}, open: {document: D, distillation: allowed}}"
)
SMALL = model("small", aliases=("latest",), family="f", terms="shut", upstreams=("u1",))


@pytest.mark.parametrize(
    ("match", "on", "may"),
    [
        ("all", SMALL, True),
        ("{tier: free}", SMALL, True),
        ("{dialect: embeddings}", SMALL, True),
        ("{model: small}", SMALL, True),
        ("{model: latest}", SMALL, True),
        ("{model: other}", SMALL, False),
        ("{model: other, tier: free}", SMALL, False),
        ("{family: g}", SMALL, False),
        ("{upstream: u2}", SMALL, False),
        ("{upstream: u1, account: acme}", SMALL, True),
        ("{use: closed}", SMALL, True),
        ("{use: closed}", model(terms="open"), False),
        ("{not: {use: closed}}", SMALL, False),
        ("{not: {use: closed, tier: free}}", SMALL, True),
        ("{not: {tier: free}}", SMALL, True),
        ("{any: [{model: other}, {tier: free}]}", SMALL, True),
        ("{any: [{model: other}, {family: g}]}", SMALL, False),
        ("{all: [{tier: free}, {family: g}]}", SMALL, False),
    ],
)
def test_only_what_the_model_settles_rules_it_out(match: str, on: Model, may: bool) -> None:
    node = Compiler(DEFINITIONS).condition(policy(match=match).match, ("match",))
    assert reaches(node, on) is may
