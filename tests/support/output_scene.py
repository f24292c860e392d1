"""A gateway under output rules before an upstream that plays what a test tells it, and what the gateway noted."""

import json

from tests.support import transcripts
from tests.support.answers_seen import watch_archive
from tests.support.recording import recording
from tests.support.running import running
from tests.support.talking import ask, fresh_bridge, policy
from tests.support.transcripts import payloads
from tests.support.upstream import EVENTS, chunk, ok
from tests.support.witnessed import in_chunks

HELD, ENDED, WATCHED, NOTED = "alpha secret", "bravo secret", "delta secret", "charlie secret"
OUTPUT = f"""\
output:
  held: {{text: {{phrases: [{HELD}]}}, how: hold_back, then: stop}}
  ended: {{text: {{phrases: [{ENDED}]}}, how: windowed, then: stop}}
  noted: {{text: {{phrases: [{NOTED}]}}, how: after}}
  long: {{max_characters: 2000, how: windowed, then: stop}}
"""
AUDIT = f"""\
output:
  watched: {{text: {{phrases: [{WATCHED}]}}, how: hold_back, then: stop}}
  noted-too: {{text: {{phrases: [{NOTED}]}}, how: after}}
"""
RULES = ("ended", "held", "long", "noted", "noted-too", "watched")
MONEY = "money: {unit: usd, per: account, amount: 1000, period: month}"
POLICIES = {
    **policy(name="output", budgets=MONEY, more=OUTPUT),
    **policy(name="trial", mode="audit", more=AUDIT),
}  # fmt: skip
OPEN = {**policy(name="output", more=OUTPUT.replace("how: hold_back", "how: windowed")), "trial": POLICIES["trial"]}
ONLY_AUDIT = {"trial": POLICIES["trial"]}
FILLER = ["Some words ", "that nobody ", "minds ", "at ", "all, ", "and more of them: "]


class Scene:
    """A gateway, its upstream and what it noted."""

    def __init__(self, stack, folder, policies, **more):
        self.upstream = stack.enter_context(recording())
        self.gateway = stack.enter_context(
            running(folder, upstream=self.upstream.url + "/v1", policies=policies, **more)
        )
        self.seen = watch_archive(self.gateway)

    def play(self, *scripts):
        """What the upstream does next; earlier tests broke off so many answers that nobody would ask it any more."""
        fresh_bridge(self.gateway)
        self.upstream.play(*scripts)

    def ask(self, dialect, script, **more):
        self.play(script)
        answer = ask(self.gateway, dialect, **more)
        self.gateway.settled()
        return answer

    def stream(self, dialect, stream, how="events"):
        return self.ask(dialect, in_chunks(stream, how), stream=True)

    def expect(self, outcome, **states):
        assert self.seen.outcome() == outcome
        rest = "clear" if outcome == "complete" else "not_evaluated"
        assert self.seen.states() == {**dict.fromkeys(self.seen.states(), rest), **states}


def streamed(dialect, texts):
    return {
        "chat": lambda: transcripts.chat(texts, with_usage=False),
        "completions": lambda: transcripts.completions(texts, with_usage=False),
        "responses": lambda: transcripts.responses(texts),
        "messages": lambda: transcripts.messages(texts),
    }[dialect]()


USAGE = {"prompt_tokens": 30, "completion_tokens": 40, "input_tokens": 30, "output_tokens": 40, "total_tokens": 70}


def whole(dialect, text):
    body = {
        "chat": {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]},
        "completions": {"choices": [{"index": 0, "text": text, "finish_reason": "stop"}]},
        "responses": {"output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}]},
        "messages": {"type": "message", "content": [{"type": "text", "text": text}]},
    }[dialect]
    return ok(json.dumps({**body, "usage": USAGE}).encode())


def up_to(words, stream, then):
    """The stream to the end of the event with these words; then something happens."""
    return [EVENTS, chunk(stream[: stream.index(b"\n\n", stream.index(words)) + 2]), then]


def last_error(answer, dialect):
    assert answer.status == 200
    error = json.loads(payloads(answer.body)[-1])["error"]
    return error["details"]["error_code"] if dialect == "messages" else error["code"]
