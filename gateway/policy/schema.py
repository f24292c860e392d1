"""JSON Schema of policy, definition and test files, with which an editor completes and explains every key.

In draft 7, which editors of YAML know, and in keywords that draft 2020-12 has as well.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

from pydantic import BaseModel

from gateway.dialects.texts import PARTS
from gateway.policy.actions import WORDS
from gateway.policy.cases import CaseFile
from gateway.policy.definitions import DefinitionsFile
from gateway.policy.model import Policy
from gateway.policy.schema_examples import EXAMPLES
from gateway.texts.lexicons import LEXICONS

DIALECT: Final = "http://json-schema.org/draft-07/schema#"
Kind = Literal["policy", "tests", "definitions"]
KINDS: Final[tuple[Kind, ...]] = ("policy", "tests", "definitions")
Schema = dict[str, Any]

_ONE_OR_MANY: Final = frozenset(
    {
        "standing", "response_format", "address", "distillation", "reasoning", "resale", "in", "words", "patterns",
        "lexicon", "days", "reduced", "tags", "models",
        "layers",
    }
)  # fmt: skip
"""Keys with a list of which one item may stand alone: `x` for `[x]`."""
_ITEMS: Final[dict[str, list[str]]] = {"in": list(PARTS), "lexicon": sorted(LEXICONS)}
"""Words that are known by heart, for completion."""


def json_schema(kind: Kind) -> Schema:
    """The schema of one kind of file."""
    models: dict[Kind, type[BaseModel]] = {"policy": Policy, "tests": CaseFile, "definitions": DefinitionsFile}
    schema = models[kind].model_json_schema(by_alias=True)
    for name, one in _objects(schema):
        for key, value in one["properties"].items():
            one["properties"][key] = _property(name, key, value)
    if kind == "policy":
        # The word `all` becomes None while reading; in a file it is the word.
        schema["properties"]["match"].pop("allOf")
        schema["properties"]["match"]["oneOf"] = [{"const": "all"}, {"$ref": "#/$defs/Match"}]
        # An action that is one word is written as that word.
        schema["$defs"]["Plain"] = {
            "oneOf": [{"const": word, "description": says} for word, says in WORDS.items()],
        }
        # Each action has a shape of its own, so that an editor can tell which one is meant.
        then = schema["$defs"]["RuleEntry"]["properties"]["then"]
        then["oneOf"] = then.pop("anyOf")
    return {"$schema": DIALECT, **schema}


def _objects(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Every mapping with keys of its own, under the name of its model."""
    yield schema["title"], schema
    for name, one in schema["$defs"].items():
        if "properties" in one:
            yield name, one


def _property(owner: str, key: str, value: Schema) -> Schema:
    value = _plain(value)
    value.pop("title", None)
    if key in _ONE_OR_MANY and value.get("type") == "array":
        value = _alone_too(key, value)
    elif key == "models" and owner not in ("Access", "CaseFile"):
        value["oneOf"] = [{"type": "string", "minLength": 1}, value["oneOf"][1]]
    examples = EXAMPLES.get(f"{owner}.{key}", EXAMPLES.get(key))
    if examples is not None and not _lists_its_words(value):
        value["examples"] = list(examples)
    if "$ref" in value:
        # Draft 7 ignores whatever stands beside a reference.
        value = {"allOf": [{"$ref": value.pop("$ref")}], **value}
    return value


def _plain(value: Schema) -> Schema:
    """Without what repeats that a key may be absent, and without what is no word of JSON Schema."""
    value = {name: inner for name, inner in value.items() if name != "default" or inner is not None}
    given = [one for one in value.get("anyOf", ()) if one != {"type": "null"}]
    if len(given) == 1:
        del value["anyOf"]
        value = {**given[0], **value}
    elif given:
        value["anyOf"] = given
    for inner in value.get("patternProperties", {}).values():
        inner.pop("discriminator", None)
    if "patternProperties" in value:
        value["additionalProperties"] = False
    return value


def _alone_too(key: str, value: Schema) -> Schema:
    items = {**value["items"], "enum": _ITEMS[key]} if key in _ITEMS else value["items"]
    listed = {name: inner for name, inner in value.items() if name in ("type", "minItems", "maxItems")}
    rest = {name: inner for name, inner in value.items() if name not in (*listed, "items")}
    return {"oneOf": [items, {**listed, "items": items}], **rest}


def _lists_its_words(value: Schema) -> bool:
    """Whether an editor can offer all that may stand there."""
    return "enum" in value or "const" in value or value.get("type") == "boolean"
