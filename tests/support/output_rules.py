"""Output rules over real patterns, and a reader of the plainest events there are: a lane, a colon, text in JSON."""

import json

from gateway.policy.output.gate import HELD_BYTES, OutputGate
from gateway.policy.output.rule import OutputRule, OutputRules
from gateway.policy.output.watch import OutputWatch
from gateway.texts.index import TextIndex
from gateway.texts.patterns import Phrase, Regex, longest


def rules(*made, patterns=("top secret",)):
    """`made` are rules from `rule`; a pattern is a phrase, or a Regex with its longest match."""
    return OutputRules(tuple(made), TextIndex([_pattern(one) for one in patterns]))


def rule(how="hold_back", *, name="no-secrets", mode="enforce", action=None, patterns=(0,), window=24, **more):
    action = action or ("flag" if how == "after" else "stop")
    return OutputRule("acceptable-use", name, mode, how, action, tuple(patterns), window=window, **more)


def window_of(*patterns):
    return max(longest(_pattern(one)) for one in patterns)


def watch(*made, **more):
    return OutputWatch(rules(*made, **more))


def gate(*made, held_bytes=HELD_BYTES, **more):
    return OutputGate(rules(*made, **more), PlainReader(), held_bytes)


class PlainReader:
    def read(self, event):
        """`note` is no text, `?` cannot be read."""
        if event.startswith(b"note"):
            return []
        lane, _, text = event.partition(b":")
        return [(int(lane), json.loads(text))] if lane.isdigit() else None

    def whole(self, body):
        return self.read(body)


def event(text, lane=0):
    return f"{lane}:{json.dumps(text)}".encode()


def states(looked_at):
    return {one.rule.rule: one.state for one in looked_at.findings()}


def whys(looked_at):
    return {one.rule.rule: one.why for one in looked_at.findings()}


def _pattern(one):
    return Phrase(one) if isinstance(one, str) else one


__all__ = ["PlainReader", "Regex", "event", "gate", "rule", "rules", "states", "watch", "whys", "window_of"]
