"""The short ways through the reading room lead to the same place as the long ones."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ask import Ask
from gateway.dialects import DIALECTS, anthropic_messages, fields, openai_chat, plain, references
from gateway.dialects.content import Weight
from gateway.dialects.field_tables import KINDS, table

CONVERSING = [dialect for dialect in DIALECTS if dialect.name in ("chat", "responses", "messages", "count_tokens")]
ROLES = st.sampled_from(["user", "assistant", "system", "tool", "r" * 64, "r" * 65, "", 5, None])
TEXTS = st.sampled_from(["", "hello", "é😀", "data", 7, None, ["x"]])
PARTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "input_text", "tool_result", "image_url", "file"])}
    ).flatmap(
        lambda part: st.dictionaries(
            st.sampled_from(["text", "content", "image_url", "file_id", "input"]),
            st.sampled_from(["hello", "data:,x", "https://a.test/", {"url": "https://a.test/"}, {"a": "é"}, 5]),
        ).map(lambda more: {**part, **more})
    ),
    max_size=2,
)
USUAL = st.fixed_dictionaries({"role": ROLES, "content": TEXTS | PARTS})
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": st.text(max_size=5)})
    | USUAL
    | st.dictionaries(st.sampled_from(["role", "content", "name", "type", "file_id", "tool_calls", "id"]), TEXTS)
    | st.sampled_from(["text", 5, None]),
    max_size=4,
)
NAMES = sorted({name for dialect in DIALECTS for kind in KINDS for name in table(dialect.name, kind)} | {"unheard_of"})
VALUES = [
    None, True, False, 0, 1, 7, -1, 129, 1.5, "x", [], ["a"], {}, {"a": "b"}, [{"type": "function"}],
     [{"type": "web"}], [5], {"include_usage": True}, {"include_usage": 5}, {"format": {"a": "é"}},
]  # fmt: skip
OTHERS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=3)
HELLO = {"role": "user", "content": "hello"}
CONVERSATIONS = [
    [HELLO],
    [{"role": "r" * 65, "content": "x"}],
    [HELLO, {"role": "assistant", "content": None}, HELLO],
    [HELLO, {"role": "user", "content": [{"type": "text", "text": "é"}]}],
    [HELLO, {"role": "user", "content": "a", "file_id": "f"}],
    [{"content": "x", "id": "stored"}],
    [HELLO, {"type": "item_reference", "content": "x"}],
    [HELLO, {"role": 5, "content": "x"}],
    [HELLO, {"role": "user", "content": 5}],
    [HELLO, "text"],
    [],
]


class _Never(frozenset):
    """Names that no body is without, and of which none has all."""

    def isdisjoint(self, _names):
        return False

    def issuperset(self, _names):
        return False


@contextmanager
def the_long_way():
    """Nothing is plain, nothing is left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "_text_bytes", lambda _content: plain._OTHER)
        patch.setattr(openai_chat, "_RARE", _Never())
        patch.setattr(openai_chat, "_LOGPROBS", _Never())
        patch.setattr(openai_chat, "_CHOOSING", _Never())
        patch.setattr(references, "_POINTING", _Never())
        patch.setattr(anthropic_messages, "_DOCUMENTS", _Never())
        real = fields.free
        patch.setattr(fields, "free", lambda dialect, kind: _Never(real(dialect, kind)))
        yield


def told(dialect, body, kinds=KINDS):
    """What is read of a body and of its parameters, and what each kind of upstream may not see of it."""
    ask = dialect.read(body)
    if not isinstance(ask, Ask):
        return ask, []
    refusals = [dialect.check_fields(ask, kind, pass_unknown=loose) for kind in kinds for loose in (False, True)]
    return (replace(ask, others=()), dialect.parameters(ask)), refusals


def body_of(dialect, messages, more):
    where = "input" if dialect.name == "responses" else "messages"
    cap = {} if dialect.name == "responses" else {"max_tokens": 9}
    return {"model": "m", where: messages, **cap, **more}


@given(st.sampled_from(CONVERSING), MESSAGES, OTHERS)
def test_a_body_is_read_alike(dialect, messages, others):
    body = body_of(dialect, messages, others)
    quick = told(dialect, body)
    with the_long_way():
        assert told(dialect, body) == quick


@pytest.mark.parametrize("dialect", CONVERSING, ids=lambda dialect: dialect.name)
def test_every_field_is_read_alike(dialect):
    bodies = [body_of(dialect, [HELLO], {name: value}) for name in NAMES for value in VALUES]
    bodies += [body_of(dialect, messages, {}) for messages in CONVERSATIONS]
    quick = [told(dialect, body, ["azure"]) for body in bodies]
    with the_long_way():
        for body, found in zip(bodies, quick, strict=True):
            assert told(dialect, body, ["azure"]) == found, body


POINTERS = (
    "id", "file_id", "uuid", "file", "audio", "input_audio", "image_url", "audio_url", "video_url", "file_url", "url",
    "tool", "tool_changes", "image_embeds", "audio_embeds", "video_embeds", "prompt_embeds", "image_pil", "source",
    "content", "role", "output", "text",
)  # fmt: skip
KINDS_OF_PART = (
    None,
    "text",
    "item_reference",
    "container_upload",
    "url",
    "image",
    "tool_result",
    "message",
    5,
    ["url"],
)
TARGETS = (
    None, "x", "https://a.test/", "data:,x", {"url": "https://a.test/"}, {"file_id": "f"}, {"id": "f"}, {"type": "url"},
    {"definition": {"type": "web_search"}}, [{"tool": {"definition": {"type": "web_search"}}}], [{"file_id": "f"}],
)  # fmt: skip


@pytest.mark.parametrize("dialect", CONVERSING, ids=lambda dialect: dialect.name)
def test_every_pointer_is_seen(dialect):
    parts = [
        {name: value, **({} if kind is None else {"type": kind})}
        for name in POINTERS for kind in KINDS_OF_PART for value in TARGETS
    ]  # fmt: skip
    bodies = [body_of(dialect, [HELLO, {"role": "user", "content": [part]}], {}) for part in parts]
    bodies += [body_of(dialect, [HELLO, {"role": "user", "content": "x"} | part], {}) for part in parts]
    quick = [told(dialect, body, ["azure", "vllm"]) for body in bodies]
    assert sum(any(refusals) for _, refusals in quick) > len(bodies) // 10
    with the_long_way():
        for body, found in zip(bodies, quick, strict=True):
            assert told(dialect, body, ["azure", "vllm"]) == found, body


TALK = st.text(max_size=5) | st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "input_text", "output_text", "refusal"]), "text": st.text(max_size=5)},
        optional={"cache_control": st.just({"type": "ephemeral", "ttl": "5m"}), "content": st.just("more")},
    ),
    max_size=3,
)


@given(
    st.lists(
        st.fixed_dictionaries({"role": st.text(max_size=70) | st.just("user"), "content": TALK}), min_size=1, max_size=5
    )
)
def test_what_is_plain_is_weighed_as_the_rest_is(messages):
    found = plain.talk(messages)
    weight, whole = Weight(), Weight()
    weight.messages(found)
    whole.content(messages)
    assert weight.text_bytes == whole.text_bytes
    said = [message["content"] for message in messages if message["role"] == "user"]
    assert found.user_turns == len(said)
    if said and type(said[-1]) is list:
        said[-1] = "\n".join(part["text"] for part in said[-1] if part["type"] in ("text", "input_text"))
    assert found.last_user_text == (said[-1] if said else "")
    for index, message in found.others:
        assert message is messages[index]
        more = (part["type"] == "refusal" or "content" in part for part in message["content"])
        assert len(message["role"]) > 64 or any(more)
