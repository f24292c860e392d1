"""Word lists that come with the product, by name. Each is a tuple of patterns, any of which is a find.

What they find of texts that they were not written with, and how often they are wrong: docs/lexicons.md.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.texts.lexicons import instructions, policy_rewrite, reasoning, rubric
from gateway.texts.patterns import Pattern

LEXICONS: Final[Mapping[str, tuple[Pattern, ...]]] = MappingProxyType(
    {
        "reasoning": reasoning.PATTERNS,
        "rubric": rubric.PATTERNS,
        "instructions": instructions.PATTERNS,
        "policy_rewrite": policy_rewrite.PATTERNS,
    }
)
