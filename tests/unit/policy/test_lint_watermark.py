from gateway.core.model import CODE
from gateway.policy.lint import Known
from gateway.policy.lint_header import HEADER_RULES
from gateway.policy.lint_watermark import WATERMARK_RULES
from gateway.policy.load import PolicyFile
from tests.support.policies import linted, model, policy_file

KNOWN = Known(
    models=(model("chat", family="f"), model("coder", family="c", tags=(CODE,)), model("fixer", tags=(CODE,)))
)


def marking(match: str, block: str = "{scheme: pairs}") -> PolicyFile:
    return policy_file(f"watermark: {block}\n", match=match)


def test_p601_marks_that_only_meet_models_that_write_code() -> None:
    assert linted(WATERMARK_RULES, marking("{model: [coder, fixer]}"), known=KNOWN) == [("P601", 6, "p.yaml")]
    assert linted(WATERMARK_RULES, marking("{family: c, tier: free}"), known=KNOWN) == [("P601", 6, "p.yaml")]


def test_p601_is_silent_where_another_model_may_be_marked_or_nothing_is_to_be() -> None:
    for clean in (
        marking("all"),
        marking("{any: [{model: coder}, {tier: free}]}"),
        marking("{model: coder}", "{scheme: none, registry: true}"),
        marking("{family: nobody}"),
        policy_file("access: {max_n: 1}\n", match="{model: coder}"),
    ):
        assert linted(WATERMARK_RULES, clean, known=KNOWN) == []
    assert linted(WATERMARK_RULES, marking("{model: coder}")) == []


def test_a_policy_that_only_marks_is_not_inert() -> None:
    found = [code for code, _, _ in linted(HEADER_RULES, marking("all"))]
    assert "P107" not in found
    assert "P107" in [code for code, _, _ in linted(HEADER_RULES, policy_file())]
