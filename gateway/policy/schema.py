"""JSON Schema of policy and test files, for editors: keywords common to drafts 7 and 2020-12."""

from typing import Any, Final, Literal

from gateway.policy.cases import CaseFile
from gateway.policy.model import Policy

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Kind = Literal["policy", "tests"]


def json_schema(kind: Kind) -> dict[str, Any]:
    """The schema of a policy file, or of a test file."""
    if kind == "tests":
        return {"$schema": DIALECT, **CaseFile.model_json_schema(by_alias=True)}
    schema = Policy.model_json_schema(by_alias=True)
    # The word `all` becomes None while reading; in a file it is the word.
    schema["properties"]["match"] = {
        "description": "`all`, or criteria that must all hold.",
        "oneOf": [{"const": "all"}, {"$ref": "#/$defs/Match"}],
    }
    return {"$schema": DIALECT, **schema}
