"""What rules decided on is what the upstream gets, byte tricks included: the same texts and the same parameters."""

import json
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.texts.index import TextIndex
from gateway.texts.patterns import Phrase
from tests.support.rawhttp import CHAT, Raw, request
from tests.support.ruled import Scene
from tests.support.talking import policy

RULES = """\
rules:
  annex: {when: {text: {phrases: sealed annex}}, then: flag}
  many: {when: {n: {at_least: 2}}, then: flag}
  hot: {when: {temperature: {at_least: 1}}, then: flag}
  long: {when: {max_output: {at_least: 100}}, then: flag}
"""
DIALECT = next(dialect for dialect in DIALECTS if dialect.name == "chat")
INDEX = TextIndex([Phrase("sealed annex")])


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("gateway"), policy(name="seen", more=RULES))


def send(scene, raw):
    """The status, the names of the rules that held, and what the upstream got, None for nothing."""
    before = scene.upstream.count()
    with Raw(scene.gateway.gateway.data_port) as connection:
        connection.send(request(CHAT, raw, key=scene.gateway.keys["acme"]))
        answer = connection.answer()
    scene.gateway.settled()
    held = {found.rule for found in scene.record.findings if found.action == "flag"}
    return answer.status, held, scene.sent if scene.upstream.count() > before else None


def decided(body):
    """What the rules must say of a forwarded body, worked out from it alone."""
    ask = DIALECT.read(body)
    texts = DIALECT.texts(body)
    pieces = [piece for part in (texts.system, texts.user, texts.assistant, texts.tool) for piece in part]
    held = {"annex"} if INDEX.search_pieces([*pieces, *texts.definitions]).indices else set()
    held |= {"many"} if ask.choices >= 2 else set()
    held |= {"hot"} if (body.get("temperature") or 0) >= 1 else set()
    return held | ({"long"} if ask.output_cap is None or ask.output_cap >= 100 else set())


def chat(content, more=""):
    return f'{{"model":"sim-small","messages":[{{"role":"user","content":{content}}}]{more}}}'.encode()


@pytest.mark.parametrize(
    "raw",
    [
        chat('"hi","content":"sealed annex"'),
        chat('"sealed annex","c\\u006fntent":"hi"'),
        chat('"hi"', ',"n":1,"n":9'),
        chat('"hi"', ',"max_tokens":5,"max\\u005ftokens":500'),
        chat('"hi"', ',"messages":[{"role":"user","content":"sealed annex"}]'),
        chat('"sealed\\ud800 annex"'),
        chat('"hi"', ',"n":2.0'),
        chat('"hi"', ',"n":"2"'),
        chat('"hi"', ',"temperature":1e999'),
        chat('"hi"', ',"metadata":' + "[" * 65 + '"sealed annex"' + "]" * 65),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused_and_decides_nothing(scene, raw):
    assert send(scene, raw) == (400, set(), None)


@pytest.mark.parametrize(
    ("raw", "held"),
    [
        (chat('"sealed\\u0000 annex"', ',"max_tokens":5'), {"annex"}),
        (chat('"\\u0073ealed \\u0061nnex"', ',"max_tokens":5'), {"annex"}),
        (chat('[{"type":"text","text":"sea"},{"type":"text","text":"led annex"}]', ',"max_tokens":5'), {"annex"}),
        (chat('"hi"', ',"max_tokens":5,"metadata":' + "[" * 40 + '"sealed annex"' + "]" * 40), {"annex"}),
        (chat('"hi"', ',"max_tokens":5,"temperature":10E-1'), {"hot"}),
        (chat('"hi"', ',"max_tokens":5,"temperature":1e-400'), set()),
        (chat('"hi"', ',"max_tokens":5,"n":2'), {"many"}),
    ],
)
def test_what_has_one_reading_is_decided_on_and_forwarded(scene, raw, held):
    status, found, sent = send(scene, raw)
    assert (status, found) == (200, held)
    original = json.loads(raw)
    assert {name: sent[name] for name in original if name != "model"} == {
        name: value for name, value in original.items() if name != "model"
    }


@pytest.mark.parametrize("caps", [(5, 500), (500, 5), (500, 500), (5, 5)])
def test_both_output_caps_at_once_are_one_decision(scene, caps):
    status, found, sent = send(scene, chat('"hi"', f',"max_tokens":{caps[0]},"max_completion_tokens":{caps[1]}'))
    if status == 400:
        assert (found, sent) == (set(), None)
        return
    assert found == decided(sent)


PIECES = st.lists(
    st.sampled_from(["sealed", " ", "annex", "\u200b", "\0", "Ａnnex", "seal", "ed", "\n", "x", "\ufeff", "é"]),
    max_size=6,
).map("".join)
PARTS = PIECES.map(lambda text: {"type": "text", "text": text})
BODIES = st.fixed_dictionaries(
    {"messages": st.lists(
        st.fixed_dictionaries({
            "role": st.sampled_from(["user", "system", "assistant"]),
            "content": PIECES | st.lists(PARTS, min_size=1, max_size=3),
        }), min_size=1, max_size=3,
    )},
    optional={
        "n": st.integers(1, 3), "temperature": st.floats(0, 2), "max_tokens": st.integers(1, 200),
        "max_completion_tokens": st.integers(1, 200), "metadata": st.dictionaries(st.just("k"), PIECES),
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(BODIES, st.booleans())
def test_the_rules_say_of_any_request_what_they_would_say_of_the_bytes_sent(scene, body, escaped):
    raw = json.dumps({"model": "sim-small", **body}, ensure_ascii=escaped).encode()
    status, found, sent = send(scene, raw)
    if status != 200:
        assert (status, found, sent) == (400, set(), None)
        return
    assert sent["messages"] == body["messages"]
    if "max_tokens" in body or "max_completion_tokens" in body:  # else the gateway writes a cap of its own
        assert found == decided(sent)
