"""How much a condition asks with its fragments written out: fragments that use others twice double every time."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.policy.blocks import AskedKeys, Block

MAX_CRITERIA: Final = 2000
"""Of one condition: what walks over a condition takes so many steps at most."""
MAX_NESTED: Final = 64
"""Conditions inside each other."""


class Extent(NamedTuple):
    """Criteria of a condition, and how deep it is nested."""

    criteria: int
    nested: int

    @property
    def fault(self) -> str:
        """What is too much about it; "" for nothing."""
        if self.criteria > MAX_CRITERIA:
            return f"more than {MAX_CRITERIA} criteria, fragments written out"
        return TOO_DEEP if self.nested > MAX_NESTED else ""


TOO_DEEP: Final = f"nested deeper than {MAX_NESTED} conditions, fragments written out"


def extent(block: Block, fragments: Mapping[str, Extent]) -> Extent:
    """Of a block whose fragments are known."""
    own = sum(1 for key in AskedKeys.model_fields if getattr(block, key, None) is not None)
    blocks = (*(block.all or ()), *(block.any or ()), *((block.not_,) if block.not_ is not None else ()))
    inner = [extent(one, fragments) for one in blocks]
    if block.use is not None:
        inner.append(fragments[block.use])
    return Extent(own + sum(one.criteria for one in inner), 1 + max((one.nested for one in inner), default=0))
