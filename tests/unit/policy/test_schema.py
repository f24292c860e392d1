import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.fmt import kind_of
from gateway.policy.model import Policy
from gateway.policy.schema import KINDS, Kind, json_schema
from gateway.validate import build
from gateway.yamlio import YamlProblems, load, load_file
from tests.support.json_schema import complaints

ROOT = Path(__file__).parents[3]
SCHEMAS = {kind: json_schema(kind) for kind in KINDS}
OF: dict[str, Kind] = {"Policy": "policy", "CaseFile": "tests", "DefinitionsFile": "definitions"}
POLICY = "version: 1\nid: p\ntitle: T\nstatus: testing\nmatch: all\n"


def objects(node: Any) -> list[dict[str, Any]]:
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    here = [node] if isinstance(node, dict) and "properties" in node else []
    return here + [found for value in below for found in objects(value)]


def properties() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for kind in KINDS:
        schema = SCHEMAS[kind]
        for name, one in (("", schema), *schema["$defs"].items()):
            for key, value in one.get("properties", {}).items():
                yield f"{kind} {name}.{key}", value, schema


@pytest.mark.parametrize("kind", KINDS)
def test_every_mapping_refuses_unknown_keys(kind: Kind) -> None:
    found = objects(SCHEMAS[kind])
    assert len(found) > 4
    assert all(one.get("additionalProperties") is False for one in found)


@pytest.mark.parametrize(("name", "value", "schema"), [pytest.param(*one, id=one[0]) for one in properties()])
def test_every_key_says_what_it_means_and_shows_how(name: str, value: dict[str, Any], schema: dict[str, Any]) -> None:
    assert value.get("description", "").endswith("."), name
    words = "enum" in value or "const" in value or value.get("type") == "boolean"
    lists_words = words or any("enum" in str(one) for one in value.get("oneOf", ()))
    assert lists_words or value.get("examples"), f"{name} needs an example in schema_examples.py"
    for example in value.get("examples", ()):
        assert list(complaints(example, value, schema)) == [], name


def test_the_word_all_and_criteria_are_the_two_ways_to_match() -> None:
    match = SCHEMAS["policy"]["properties"]["match"]
    assert match["oneOf"] == [{"const": "all"}, {"$ref": "#/$defs/Match"}]
    assert "not" in SCHEMAS["policy"]["$defs"]["Match"]["properties"]


def test_keys_are_in_the_order_of_a_file() -> None:
    assert list(SCHEMAS["policy"]["properties"]) == list(Policy.model_fields)


def test_every_kind_of_limit_and_action_is_one_of_several_shapes() -> None:
    policy = SCHEMAS["policy"]
    for block in ("limits", "budgets"):
        (shape,) = policy["properties"][block]["patternProperties"].values()
        shapes = [policy["$defs"][one["$ref"].rpartition("/")[2]] for one in shape["oneOf"]]
        assert all({"enum", "const"} & shape["properties"]["unit"].keys() for shape in shapes)
    actions = policy["$defs"]["RuleEntry"]["properties"]["then"]["oneOf"]
    assert len(actions) == 4
    words = policy["$defs"]["Plain"]["oneOf"]
    assert {one["const"] for one in words} >= {"deny", "review", "flag"}
    assert all(one["description"] for one in words)


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_files_hold_to_their_schema(path: Path) -> None:
    schema = SCHEMAS[OF[kind_of(path).__name__]]
    assert list(complaints(load_file(path).value, schema, schema)) == []


SAMPLES = [
    "rules: {r: {when: {standing: watched, text: {phrases: x, in: user}}, then: flag}}",
    "rules: {r: {when: {standing: [watched], text: {lexicon: reasoning}}, then: {slow: 2s}}}",
    "rules: {r: {when: {address: 192.0.2.0/24, time: {days: mon}}, then: {tag: t}}}",
    "rules: {r: {when: {headers: {user-agent: x}, response_format: [text]}, then: {reduce: {max_n: 1}}}}",
    "limits: {l: {unit: requests, per: key, amount: 1, window: 1m, models: m}}",
    "limits: {l: {unit: requests, per: key, amount: 1, window: 1m, models: [m]}}",
    "budgets: {b: {unit: usd, per: org, amount: 0.50, period: day}}",
    "access: {models: m, terms: true}",
    "rules: {r: {when: {terms: {distillation: forbidden}}, then: {tag: t, slow: 2s}}}",
    "rules: {r: {when: {terms: {distillation: forbidden}}, then: explode}}",
    "rules: {r: {when: {text: {phrases: x, in: usr}}, then: flag}}",
    "rules: {r: {when: {text: {lexicon: none}}, then: flag}}",
    "limits: {l: {unit: concurrent, per: key, amount: 1, window: 1m}}",
    "limits: {l: {unit: requests, per: key, amount: 0, window: 1m}}",
    "limits: {l: {unit: requests, amount: 1, window: 1m}}",
    "limits: {L: {unit: concurrent, per: key, amount: 1}}",
    "budgets: {b: {unit: usd, per: org, amount: 1, period: week}}",
    "access: {modells: m}",
    "watermark: {scheme: pairs, layers: account, strength: 1}",
    "watermark: {scheme: none, registry: true}",
    "watermark: {scheme: pairs, layers: [account, provider], entries: 300, caller_bias: refuse}",
    "watermark: {scheme: pairs, layers: []}",
    "watermark: {scheme: pairs, strength: 4}",
    "watermark: {strength: 1}",
    "watermark: {scheme: pairs, entries: 2000}",
]


@pytest.mark.parametrize("text", SAMPLES)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    loaded = load(POLICY + text, "f")
    try:
        build(loaded, Policy)
        good = True
    except YamlProblems:
        good = False
    found = list(complaints(loaded.value, SCHEMAS["policy"], SCHEMAS["policy"]))
    assert (found == []) is good, found


@pytest.mark.parametrize(
    ("kind", "name"),
    [("policy", "policy.json"), ("tests", "policy-tests.json"), ("definitions", "policy-definitions.json")],
)
def test_the_published_schemas_are_current(kind: Kind, name: str) -> None:
    published = (ROOT / "docs" / "schema" / name).read_text()
    assert json.loads(published) == SCHEMAS[kind], f"run: gateway policy schema {kind} > docs/schema/{name}"


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.yaml")), ids=lambda path: path.name)
def test_editors_are_told_where_the_schema_of_a_shipped_file_is(path: Path) -> None:
    name = {"policy": "policy", "tests": "policy-tests", "definitions": "policy-definitions"}[
        OF[kind_of(path).__name__]
    ]
    assert path.read_text().startswith(f"# yaml-language-server: $schema=../docs/schema/{name}.json\n")
