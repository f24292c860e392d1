"""`definitions.yaml` of a policy folder: what its policies share: conditions, word lists, terms profiles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from gateway.policy.blocks import When
from gateway.policy.load import DEFINITIONS
from gateway.policy.scalars import Words
from gateway.policy.terms import Terms
from gateway.scalars import Slug as Name
from gateway.validate import Strict, build
from gateway.yamlio import Loaded, load_file


class DefinitionsFile(Strict):
    """What policies refer to by name."""

    version: Literal[1] = Field(description="Version of this language.")
    fragments: dict[Name, When] = Field(default_factory=dict, description="Conditions, for `use`.")
    words: dict[Name, Words] = Field(default_factory=dict, description="Word lists, for `text`.")
    terms: dict[Name, Terms] = Field(default_factory=dict, description="Terms profiles of models.")


@dataclass(frozen=True, slots=True)
class Definitions:
    """The checked file, and where its parts stand; empty where a folder has none."""

    fragments: Mapping[str, When] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    terms: Mapping[str, Terms] = field(default_factory=dict)
    loaded: Loaded | None = None


NONE: Final = Definitions()


def read_definitions(directory: Path) -> Definitions:
    """What the policies of a folder share; nothing where it has no such file. Raises YamlProblems."""
    path = directory / DEFINITIONS
    if not path.exists():
        return NONE
    loaded = load_file(path)
    file = build(loaded, DefinitionsFile)
    return Definitions(file.fragments, file.words, file.terms, loaded)
