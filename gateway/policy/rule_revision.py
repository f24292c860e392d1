"""What a rule looks for, as a short hash: two rules with one hash give the same answer to the same request.

Only rules that look at what no decision record holds need one: a replay cannot ask such a rule again, but may trust
the answer that was recorded, as long as the rule is still the same.
"""

import hashlib
from typing import Final

from gateway.policy.compiling import Compiler
from gateway.policy.conditions import All, AnyOf, AskedLeaf, Named, Node, Not, WhomLeaf, leaves
from gateway.policy.criteria.text import TextMatch, patterns_of
from gateway.policy.trace import written

UNRECORDED: Final = frozenset(("text", "token_ids", "headers", "address", "distinct_prompts"))
"""Criteria on what is never written down."""


def rule_revision(condition: Node, compiler: Compiler) -> str:
    """Eight hex digits over the condition with all that it refers to; "" where every fact of it is recorded."""
    if all(leaf.criterion.key not in UNRECORDED for leaf in leaves(condition)):
        return ""
    return hashlib.sha256(_content(condition, compiler).encode()).hexdigest()[:8]


def _content(node: Node, compiler: Compiler) -> str:
    match node:
        case WhomLeaf() | AskedLeaf():
            return f"{node.criterion.key}={_value(node, compiler)}"
        case Named():
            return _content(node.part, compiler)  # its name changes nothing
        case Not():
            return f"not({_content(node.part, compiler)})"
        case All() | AnyOf():
            # Neither the order of parts nor of files means anything.
            return f"{type(node).__name__}({';'.join(sorted(_content(part, compiler) for part in node.parts))})"


def _value(leaf: WhomLeaf | AskedLeaf, compiler: Compiler) -> str:
    value = leaf.value
    if isinstance(value, TextMatch):
        return f"{sorted(value.in_)}{sorted(map(repr, patterns_of(value, compiler)))}"
    if leaf.criterion.key == "terms":
        profiles = sorted(f"{name}:{terms!r}" for name, terms in compiler.definitions.terms.items())
        return f"{written(value)}{profiles}"
    return repr(value)
