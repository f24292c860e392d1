import asyncio
from types import SimpleNamespace

import pytest

from gateway.server.guarded import note_findings, send_before_looking
from tests.support.output_rules import event, gate, rule, states


class Gone:
    """A request whose caller has left."""

    async def send(self, _reply):
        raise ConnectionResetError


class Sent:
    def __init__(self, looked_at):
        self.states = None
        self._gate = looked_at

    async def send(self, _reply):
        self.states = states(self._gate)


def exchange(text):
    return SimpleNamespace(id="x", answer=event(text), output_findings=())


def noted(x):
    return {one.rule.rule: one.state for one in x.output_findings}


@pytest.mark.parametrize("text", ["fine", "top secret"])
def test_an_answer_whose_caller_left_is_looked_at_all_the_same(text):
    x = exchange(text)
    assert asyncio.run(send_before_looking(Gone(), x, None, gate(rule(mode="audit"))))
    assert noted(x) == {"no-secrets": "matched" if "top" in text else "clear"}


@pytest.mark.parametrize("size", [1, 100_000])
def test_rules_that_only_note_look_when_the_answer_is_out(size):
    x = exchange("top secret. " * size)
    one = gate(rule(mode="audit"))
    inbound = Sent(one)
    assert asyncio.run(send_before_looking(inbound, x, None, one))
    assert inbound.states == {"no-secrets": "not_evaluated"}, "nobody had looked when it was written"
    assert noted(x) == {"no-secrets": "matched"}


def test_where_every_rule_has_looked_already_nothing_is_written_early():
    x = exchange("fine")
    one = gate(rule())
    one.whole(x.answer)
    inbound = Sent(one)
    assert not asyncio.run(send_before_looking(inbound, x, None, one))
    assert inbound.states is None
    assert noted(x) == {"no-secrets": "clear"}


def test_findings_that_cannot_be_made_are_faults(caplog):
    x = exchange("fine")
    one = gate(rule("after", window=0))
    one.whole(x.answer)

    class Faulty:
        def search(self, text):
            raise RuntimeError(text)

    object.__setattr__(one._rules, "index", Faulty())
    note_findings(x, one)
    assert noted(x) == {"no-secrets": "not_evaluated"}
    assert [finding.why for finding in x.output_findings] == ["fault"]
    assert "fine" not in caplog.text
