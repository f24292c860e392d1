import json
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.model import Policy
from gateway.policy.schema import KINDS, Kind, json_schema

ROOT = Path(__file__).parents[3]


def objects(node: Any) -> list[dict[str, Any]]:
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    here = [node] if isinstance(node, dict) and "properties" in node else []
    return here + [found for value in below for found in objects(value)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_mapping_refuses_unknown_keys(kind: Kind) -> None:
    found = objects(json_schema(kind))
    assert len(found) > 4
    assert all(one.get("additionalProperties") is False for one in found)


def test_the_word_all_and_criteria_are_the_two_ways_to_match() -> None:
    assert json_schema("policy")["properties"]["match"]["oneOf"] == [{"const": "all"}, {"$ref": "#/$defs/Match"}]
    assert "not" in json_schema("policy")["$defs"]["Match"]["properties"]


def test_keys_are_in_the_order_of_a_file() -> None:
    assert list(json_schema("policy")["properties"]) == list(Policy.model_fields)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("policy", "policy.json"), ("tests", "policy-tests.json"), ("definitions", "policy-definitions.json")],
)
def test_the_published_schemas_are_current(kind: Kind, name: str) -> None:
    published = (ROOT / "docs" / "schema" / name).read_text()
    assert json.loads(published) == json_schema(kind), f"run: gateway policy schema {kind} > docs/schema/{name}"
