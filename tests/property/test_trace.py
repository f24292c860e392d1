"""Explanations against the judgement: a condition's words never say other than the condition did."""

from hypothesis import given

from gateway.policy.compiling import Compiler
from gateway.policy.conditions import bind
from gateway.policy.trace import Step, decisive, outline, trace
from tests.property.test_conditions import Tree, trees, written
from tests.support.inquiries import inquiry
from tests.unit.policy.test_criteria import when


@given(trees())
def test_a_trace_says_what_the_condition_says(tree: Tree) -> None:
    asked = inquiry()
    node = Compiler().condition(when(written(tree)), ())
    bound = bind(node, asked.here)
    answer = bound if bound is None or isinstance(bound, bool) else bound(asked)
    step = trace(node, asked)
    assert step.holds is answer
    assert _consistent(step)
    assert len(list(outline(node))) == _nodes(step)


@given(trees())
def test_what_settled_it_is_a_criterion_with_that_answer(tree: Tree) -> None:
    asked = inquiry()
    step = trace(Compiler().condition(when(written(tree)), ()), asked)
    leaf, turned = decisive(step)
    assert leaf.code
    assert leaf.holds is (step.holds if step.holds is None or not turned else not step.holds)


def _consistent(step: Step) -> bool:
    """Kleene's tables once more, over the words: what stands above follows from what stands below."""
    below = [part.holds for part in step.parts]
    follows = {
        "all of": False if False in below else None if None in below else True,
        "any of": True if True in below else None if None in below else False,
        "not": None if None in below[:1] else not (below or [False])[0],
    }
    return step.holds is follows.get(step.says, step.holds) and all(map(_consistent, step.parts))


def _nodes(step: Step) -> int:
    return 1 + sum(map(_nodes, step.parts))
