"""Requests of other kinds are what their names say."""

import json
from itertools import islice

from bench import kinds
from bench.requests import BODY
from bench.under_load import Target
from gateway.core.ask import Ask
from gateway.dialects import DIALECTS

CHAT = next(dialect for dialect in DIALECTS if dialect.name == "chat")


def sent(requests, many=2):
    """Keys and bodies of the first ones."""
    told = [request.partition(b"\r\n\r\n") for request in islice(requests, many)]
    return [(head.partition(b"Bearer ")[2].partition(b"\r\n")[0].decode(), json.loads(body)) for head, _, body in told]


def test_every_body_is_one_that_the_gateway_reads_and_of_its_kind():
    asks = {name: CHAT.read(body) for name, body in kinds.bodies().items()}
    assert all(isinstance(ask, Ask) for ask in asks.values())
    assert next(iter(kinds.bodies().values())) == BODY
    others = {name: len(ask.others) for name, ask in asks.items() if ask.others}
    assert others == {"the same, one with a small picture": 1, "a picture of 1 MB": 1}
    assert 35_000 < asks["301 messages, 36 KB"].prompt_bytes < 37_000
    assert asks["64 tools, 60 KB"].tools
    assert kinds.bodies() == kinds.bodies()


def test_accounts_take_turns_and_new_prompts_are_new():
    ours = kinds.kinds(Target(1, 2, "k0", keys={"a": "k0", "b": "k1"}))
    assert [key for key, _ in sent(ours["1,000 accounts in turn"], 3)] == ["k0", "k1", "k0"]
    for name in ("one account, every prompt new", "accounts in turn, every prompt new"):
        (_, first), (_, second) = sent(ours[name])
        assert first["messages"][-1] != second["messages"][-1]
        assert len(json.dumps(first)) == len(json.dumps(BODY))


def test_what_is_shown_is_more_than_the_first():
    table = kinds.shown({"usual": [100.0] * 4, "dear": [350.0] * 4})
    assert "| dear    |           350.0 / 350.0 / 350.0 |                    +250 |" in table
