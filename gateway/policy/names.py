"""Names of models as policies write them: an id, an alias, or a pattern with `*`."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from gateway.core.model import Model


def names_model(patterns: Iterable[str], model: Model) -> bool:
    """Whether one of the patterns means this model, by its id or an alias. `*` stands for any text."""
    names = (model.id, *model.aliases)
    return any(matches(name, pattern) for pattern in patterns for name in names)


def matches(name: str, pattern: str) -> bool:
    """Only `*` is special: brackets and question marks may stand in a name."""
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]")) if "*" in pattern else name == pattern
