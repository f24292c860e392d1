"""JSON Schema of policy, definition and test files, for editors: keywords common to drafts 7 and 2020-12."""

from typing import Any, Final, Literal

from pydantic import BaseModel

from gateway.policy.actions import WORDS
from gateway.policy.cases import CaseFile
from gateway.policy.definitions import DefinitionsFile
from gateway.policy.model import Policy

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Kind = Literal["policy", "tests", "definitions"]
KINDS: Final[tuple[Kind, ...]] = ("policy", "tests", "definitions")


def json_schema(kind: Kind) -> dict[str, Any]:
    """The schema of one kind of file."""
    models: dict[Kind, type[BaseModel]] = {"policy": Policy, "tests": CaseFile, "definitions": DefinitionsFile}
    model = models[kind]
    schema = model.model_json_schema(by_alias=True)
    if kind == "policy":
        # The word `all` becomes None while reading; in a file it is the word.
        schema["properties"]["match"] = {
            "description": "`all`, or criteria that must all hold.",
            "oneOf": [{"const": "all"}, {"$ref": "#/$defs/Match"}],
        }
        # An action that is one word is written as that word.
        schema["$defs"]["Plain"] = {
            "oneOf": [{"const": word, "description": says} for word, says in WORDS.items()],
        }
    return {"$schema": DIALECT, **schema}
