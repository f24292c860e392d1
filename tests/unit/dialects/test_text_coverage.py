"""Every string that a request can hold is in exactly one group of texts, or it is no text for a reason given here."""

import importlib
import itertools
import re
from pathlib import Path

import pytest

from gateway.dialects import DIALECTS, text_fields
from gateway.dialects.field_tables import KINDS, Group, table
from gateway.dialects.texts import PARTS, Field, Texts
from tests.support.bodies import MINIMAL
from tests.support.typed_bodies import Maker
from tests.unit.dialects.test_fields import OFFICIAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}

REPLACED = {
    "model": "looked up, and the upstream's own name is sent",
    "user": "the account's pseudonym is sent",
    "safety_identifier": "the account's pseudonym is sent",
    "metadata.user_id": "the account's pseudonym is sent",
}
"""Never sent as written; the last two only where their dialect replaces them."""
LABELS = {
    "id": "names an item", "type": "chooses a shape", "call_id": "ties a result to its call",
    "tool_call_id": "ties a result to its call", "tool_use_id": "ties a result to its call",
    "approval_request_id": "ties an approval to its request", "caller_id": "names a call", "tool_id": "names a call",
    "container_id": "names a container", "file_id": "refused, as stored things are", "download_id": "names a download",
    "tab_id": "names a browser tab", "comparison_response_id": "refused, as stored things are",
}  # fmt: skip
OPAQUE = {
    "data": "base64 media or encrypted", "file_data": "base64 media", "result": "a base64 image",
    "signature": "a signature", "encrypted_content": "encrypted", "encrypted_index": "encrypted",
    "encrypted_stdout": "encrypted",
}  # fmt: skip
SETTINGS = {
    "audio": "a voice", "logit_bias": "token ids", "moderation": "a model's name", "prompt_cache_key": "a partition",
    "reasoning": "a mode", "inference_geo": "a region", "prompt_cache_options": "refused, as stored things are",
}  # fmt: skip
OPEN_KEY = "{}"
"""A key, in an object that no model is shown."""


def groups_of(texts: Texts, marker: str) -> list[str]:
    return [part for part in PARTS for piece in getattr(texts, part) if piece == marker]


def marked(module, params, form):
    """Bodies of an official type, and where each marker in them stands."""
    marks = {}

    def mark(path):
        marks[form % len(marks)] = path
        return form % (len(marks) - 1)

    bodies = Maker(mark).all(getattr(importlib.import_module(module), params))
    assert bodies
    return bodies, marks


def strings(value):
    """Every string in a document, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for name, below in value.items():
            yield name
            yield from strings(below)


@pytest.mark.parametrize(("name", "module", "params"), OFFICIAL)
def test_every_string_of_every_official_field_is_in_one_group(name, module, params):
    bodies, marks = marked(module, params, "marker %d x")
    seen = set()
    for body in bodies:
        texts = BY_NAME[name].texts(body)
        found = {piece: part for part in PARTS for piece in getattr(texts, part)}
        pieces = [piece for part in PARTS for piece in getattr(texts, part)]
        held = [marker for marker in strings(body) if marker in marks]
        for marker in set(held):
            path = marks[marker]
            seen.add(marker)
            if path in REPLACED:
                assert marker not in found, path
            else:
                assert marker in found, path
                assert pieces.count(marker) == held.count(marker), path
                assert len({part for part in PARTS if marker in getattr(texts, part)}) == 1, path
    assert seen == set(marks), "every marker stood in some body"


@pytest.mark.parametrize(("name", "module", "params"), OFFICIAL)
def test_a_plain_word_is_left_out_only_where_it_is_no_text(name, module, params):
    bodies, marks = marked(module, params, "marker%dx")
    for body in bodies:
        texts = BY_NAME[name].texts(body)
        found = {piece for part in PARTS for piece in getattr(texts, part)}
        for marker in {marker for marker in strings(body) if marker in marks} - found:
            path = marks[marker]
            top, last = path.split(".")[0], path.split(".")[-1]
            reason = REPLACED.get(path) or LABELS.get(last) or OPAQUE.get(last) or SETTINGS.get(top)
            assert reason or last == OPEN_KEY, path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BY_NAME)
def test_every_field_of_every_table_is_reached(name, kind):
    """Those of self-hosted servers too, and those that are refused: whoever lists one as plain one day is safe."""
    replaced = {"model", "user", "safety_identifier"} if name not in ("messages", "count_tokens") else {"model"}
    for field, group in table(name, kind).items():
        for shape in ("one a", ["one a"], {"k": "one a"}, {"one a": 1}, [{"k": [{"k": "one a"}]}]):
            texts = BY_NAME[name].texts({**MINIMAL[name], field: shape})
            if field in replaced or (field == "store" and group is Group.STATE and name == "responses"):
                assert groups_of(texts, "one a") == []
            else:
                assert len(groups_of(texts, "one a")) == 1, (field, shape)


@pytest.mark.parametrize("name", BY_NAME)
def test_fields_that_nobody_knows_are_text(name):
    texts = BY_NAME[name].texts({**MINIMAL[name], "surprise": {"word": ["other"]}, "a strange name": None, "b c": 1})
    assert {"word", "other", "b c"} <= set(texts.definitions)


DOCS = Path(__file__).parents[3] / "docs" / "dialects.md"


def rows(heading):
    """The cells of the first table under a heading of the page, without its head."""
    lines = DOCS.read_text().split(f"## {heading}\n")[1].splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("|"))
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_page_names_the_fields_of_each_group():
    columns = [("chat",), ("completions",), ("embeddings",), ("responses",), ("messages", "count_tokens")]
    computed = {(group, name): set() for group in PARTS for names in columns for name in names}
    for name, module, params in OFFICIAL:
        bodies, marks = marked(module, params, "marker %d x")
        for body in bodies:
            texts = BY_NAME[name].texts(body)
            for group in PARTS[:-1]:
                computed[group, name] |= {
                    marks[piece].split(".")[0] for piece in getattr(texts, group) if piece in marks
                }
    for name, field in (("chat", "messages"), ("responses", "input"), ("messages", "messages")):
        for role in ("system", "user", "assistant"):
            texts = BY_NAME[name].texts({field: [{"role": role, "content": "a marker"}]})
            assert getattr(texts, role) == ("a marker",)
            computed[role, name].add(field)
    for group, *cells in rows("The text of a request")[:-1]:
        for names, cell in zip(columns, cells, strict=True):
            shown = set(re.findall("`([a-z_]+)`", cell))
            for name in names:
                assert shown == computed[group.strip("`"), name], (group, name)


def test_the_page_names_the_settings():
    text = DOCS.read_text()
    for fields in (text_fields.CHAT, text_fields.RESPONSES, text_fields.MESSAGES):
        for name, how in fields.items():
            if how is Field.SETTING:
                assert f"`{name}`" in text.split("| labels |")[1].split("\n")[0]
