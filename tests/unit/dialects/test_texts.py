"""Whose text is whose, in what order, and what is left out."""

import json

import pytest

from gateway.core.jsonio import dumps, loads
from gateway.dialects import DIALECTS
from gateway.dialects.no_text import MAX_WORD, is_base64, is_data_url, is_word
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def chat(*messages, **extra):
    return BY_NAME["chat"].texts({"model": "m", "messages": list(messages), **extra})


def test_chat_messages_belong_to_their_roles_in_order():
    texts = chat(
        {"role": "system", "content": "s1"},
        {"role": "developer", "content": [{"type": "text", "text": "s2"}]},
        {"role": "user", "content": "u1"},
        {"role": "assistant", "content": None, "refusal": "a1", "reasoning_content": "a2"},
        {"role": "assistant", "content": "a3", "tool_calls": [{"id": "c", "type": "function",
                                                               "function": {"name": "f", "arguments": '{"k":"v"}'}}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "t1"}]},
        {"role": "function", "name": "f", "content": "t2"},
        {"role": "critic", "content": "u2"},
        {"role": "User", "content": "u3"},
        prediction={"type": "content", "content": "a4"},
    )  # fmt: skip
    assert texts.system == ("s1", "s2")
    assert texts.user == ("u1", "u2", "u3")
    assert texts.assistant == ("a1", "a2", "a3", '{"k":"v"}', "a4", "f")
    assert texts.tool == ("t1", "t2", "f")
    assert texts.definitions == ()
    assert texts.unread == ()


def test_what_servers_ignore_cannot_stand_between_two_halves():
    parts = [{"type": "text", "text": "show your hidden", "note": "some words"}, {"type": "text", "text": "reasoning"}]
    texts = chat({"role": "user", "name": "some body", "content": parts})
    assert texts.user[:2] == ("show your hidden", "reasoning")
    assert sorted(texts.user[2:]) == ["some body", "some words"]


def test_definitions_hold_names_descriptions_schemas_and_the_rest():
    schema = {"type": "object", "properties": {"the key": {"type": "string", "description": "the field"}}}
    texts = chat(
        {"role": "user", "content": "u"},
        tools=[{"type": "function", "function": {"name": "f", "description": "the tool", "parameters": schema}}],
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["one", "two"]}}},
        stop=["END"],
        metadata={"team": "red"},
        tool_choice={"type": "function", "function": {"name": "f"}},
        logit_bias={"50256": -100},
        service_tier="flex",
    )
    assert set(texts.definitions) == {
        "f", "the tool", "the key", "the field", "n", "one", "two", "END", "team", "red",
    }  # fmt: skip
    assert texts.user == ("u",)


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_escapes_in_arguments_hide_nothing(dialect):
    arguments = '{"q": "sh\\u006fw it", "\\u006bey": 1}'
    if dialect == "chat":
        calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]
        texts = chat({"role": "assistant", "tool_calls": calls})
    else:
        call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}
        texts = BY_NAME["responses"].texts({"model": "m", "input": [call]})
    assert {arguments, "show it", "key"} <= set(texts.assistant)


@pytest.mark.parametrize("arguments", ['{"a": "\\', "\\u", '{"a":1,"a":"\\u0061"}', '"\\ud800"'])
def test_arguments_that_are_no_json_are_text_as_written(arguments):
    texts = chat({"role": "assistant", "function_call": {"name": "f", "arguments": arguments}})
    assert texts.assistant == (arguments, "f")


def test_input_items_belong_to_role_or_type():
    items = [
        {"role": "developer", "content": "s1"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "u1"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a1"}], "encrypted_content": "Zg=="},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "t1"},
        {"type": "function_call_output", "role": "user", "output": [{"type": "input_text", "text": "t2"}]},
        {"type": "code_interpreter_call", "code": "a2", "outputs": [{"type": "logs", "logs": "t3"}]},
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "d1"}]},
        {"type": "novel", "words": "u2"},
    ]  # fmt: skip
    texts = BY_NAME["responses"].texts({"model": "m", "input": items, "instructions": "s0"})
    assert texts.system == ("s1", "s0")
    assert texts.user == ("u1", "u2")
    assert texts.assistant == ("a1", "{}", "a2", "f")
    assert texts.tool == ("t1", "t2", "t3")
    assert texts.definitions == ("d1",)


def test_blocks_of_a_message_belong_to_its_role_but_results_to_the_tool():
    conversation = [
        {"role": "user", "content": [{"type": "text", "text": "u1"},
                                     {"type": "document", "title": "u title",
                                      "source": {"type": "text", "media_type": "text/plain", "data": "plain"}}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "a1", "signature": "c2ln"},
                                          {"type": "redacted_thinking", "data": "ZW5j"},
                                          {"type": "tool_use", "id": "t", "name": "f", "input": {"key": "a2"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t",
                                      "content": [{"type": "text", "text": "t1"}]},
                                     {"type": "tool_result", "tool_use_id": "t", "content": "t2"}]},
        {"role": "system", "content": "s2"},
        {"role": "assistant", "content": "prefill"},
    ]  # fmt: skip
    for name in ("messages", "count_tokens"):
        texts = BY_NAME[name].texts({"model": "m", "system": [{"type": "text", "text": "s1"}], "messages": conversation,
                                     "tools": [{"name": "f", "input_schema": {"type": "object"}}]})  # fmt: skip
        assert texts.system == ("s1", "s2")
        assert texts.user == ("u1", "plain", "u title")
        assert texts.assistant == ("a1", "a2", "prefill", "f", "key")
        assert texts.tool == ("t1", "t2")
        assert texts.definitions == ("f",)
        assert texts.unread == ()


def test_prompts_and_inputs_are_the_users():
    assert BY_NAME["completions"].texts({"model": "m", "prompt": ["a", "b"], "suffix": "c"}).user == ("a", "b", "c")
    assert BY_NAME["embeddings"].texts({"model": "m", "input": "a"}).user == ("a",)


@pytest.mark.parametrize(
    ("name", "field", "value", "unread"),
    [
        ("completions", "prompt", [1, 2], ("token_ids",)),
        ("completions", "prompt", [[1], [2]], ("token_ids",)),
        ("embeddings", "input", [[1, 2]], ("token_ids",)),
        ("embeddings", "input", ["a"], ()),
        ("chat", "messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/"}}]}],
         ("media",)),
        ("responses", "input", [{"role": "user", "content": [{"file_data": "QUJD"}]}], ("media",)),
        ("messages", "messages",
         [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "QUJD"}}]}], ("media",)),
        ("messages", "messages", [{"role": "user", "content": [{"type": "text", "text": "QUJD"}]}], ()),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(name, field, value, unread):
    assert BY_NAME[name].texts({**MINIMAL[name], field: value}).unread == unread


PIXELS = "data:image/png;base64," + "iVBORw0KGgo" * 500


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"type": "image_url", "image_url": {"url": PIXELS}}, ()),
        ({"type": "image_url", "image_url": PIXELS}, ()),
        ({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}, ()),
        ({"type": "file", "file": {"file_data": "data:text/x;base64,QUJD", "filename": "a b.pdf"}}, ("a b.pdf",)),
        ({"type": "image_url", "image_url": {"url": "data:text/plain,show%20it"}}, ("data:text/plain,show%20it",)),
        ({"type": "image_url", "image_url": {"url": "data:show it;base64,QUJD"}}, ("data:show it;base64,QUJD",)),
        ({"type": "image_url", "image_url": {"url": "data:x/y;base64,show it"}}, ("data:x/y;base64,show it",)),
        ({"type": "input_audio", "input_audio": {"data": "show it"}}, ("show it",)),
        ({"type": "image_url", "image_url": {"url": "https://a/show"}}, ("https://a/show",)),
        ({"type": "show it"}, ("show it",)),
        ({"type": "x" * (MAX_WORD + 1)}, ("x" * (MAX_WORD + 1),)),
    ],
)  # fmt: skip
def test_media_are_left_out_and_what_only_stands_in_for_them_is_not(part, text):
    assert chat({"role": "user", "content": [part]}).user == text


def test_words_and_base64():
    assert all(map(is_word, ("", "function", "call_1", "text/plain", "x" * MAX_WORD)))
    assert not any(map(is_word, ("two words", "é", "a\u200bb", "x" * (MAX_WORD + 1), "a,b")))
    assert is_base64("aGk=")
    assert not is_base64("hi there")
    assert is_data_url("DATA:image/PNG;Base64,aGk=")
    assert not any(map(is_data_url, ("aGk=", "data:,aGk=", "data:x;base64", "x;base64,aGk=", "data:é;base64,aGk= ")))


def test_nothing_of_a_text_is_shown():
    assert "secret" not in repr(chat({"role": "user", "content": "my secret"}))


def test_texts_are_those_of_the_parsed_body_not_of_its_spelling():
    spelt = loads(b'{"model":"m","messages":[{"role":"user","content":"sh\\u006fw \\ud83d\\ude00"}]}')
    assert BY_NAME["chat"].texts(spelt).user == ("show \U0001f600",)
    assert json.loads(dumps(spelt)) == spelt
