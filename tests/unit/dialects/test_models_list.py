"""The bodies of /v1/models, as the official clients read them."""

import json

from anthropic.types import ModelInfo
from openai.types import Model as OpenAIModel

from gateway.core.model import Model
from gateway.dialects.models_list import list_models, show_model

SMALL = Model("small", "small-1", ("up",), context=8000, max_output=1000, prices=None, created=1_700_000_000)
LARGE = Model("large", "large-1", ("up",), context=9000, max_output=2000, prices=None, owned_by="me")


def test_openai_list():
    body = json.loads(list_models("openai", [SMALL, LARGE]))
    assert body["object"] == "list"
    models = [OpenAIModel.model_validate(entry) for entry in body["data"]]
    assert [(model.id, model.created, model.owned_by) for model in models] == [
        ("small", 1_700_000_000, "excise"),
        ("large", 0, "me"),
    ]


def test_anthropic_list():
    body = json.loads(list_models("anthropic", [SMALL, LARGE]))
    assert (body["first_id"], body["last_id"], body["has_more"]) == ("small", "large", False)
    first = ModelInfo.model_validate(body["data"][0])
    assert first.created_at.isoformat() == "2023-11-14T22:13:20+00:00"
    assert (first.max_input_tokens, first.max_tokens) == (8000, 1000)


def test_empty_lists():
    assert json.loads(list_models("openai", []))["data"] == []
    assert json.loads(list_models("anthropic", []))["first_id"] is None


def test_one_model():
    assert json.loads(show_model("openai", SMALL))["id"] == "small"
    assert json.loads(show_model("anthropic", SMALL))["type"] == "model"
    assert b"small-1" not in show_model("openai", SMALL) + show_model("anthropic", SMALL)
