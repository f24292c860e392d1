"""What output rules cost a streamed answer, for each event, beside parsing the same event and doing nothing with it."""

import json
import time
from collections.abc import Callable

from bench.plan import Plan
from bench.report import ratio, spread, table
from bench.stage import Stage
from gateway.core.jsonio import loads
from gateway.core.sse import data_of
from gateway.dialects.output_choices import ChoicesReader
from gateway.policy.output.gate import OutputGate
from gateway.policy.output.rule import How, OutputRule, OutputRules
from gateway.texts.index import TextIndex
from gateway.texts.patterns import Phrase, longest

_EVENTS = 600
_TEXTS = {
    "English": "the keeper of the warehouse enters every cask in his book before it leaves",
    "Russian": "смотритель склада вносит каждую бочку в книгу прежде чем её увезут",
    "Chinese": "仓 库 管 理 员 在 每 个 酒 桶 运 出 之 前 都 会 登 记",
}
_HOW: tuple[How, ...] = ("hold_back", "windowed", "after")


def outputs(_stage: Stage, plan: Plan) -> str:
    """200 phrases; a word an event."""
    phrases = [Phrase(f"clause {number} of the sealed annex") for number in range(200)]
    index = TextIndex(phrases)
    window = max(longest(phrase) or 0 for phrase in phrases)
    rows = []
    for language, text in _TEXTS.items():
        words = text.split()
        events = [_event(words[number % len(words)], language) for number in range(_EVENTS)]
        parsing: list[float] = []
        looking: dict[How, list[float]] = {how: [] for how in _HOW}
        for turn in range(plan.request_windows + 1):
            parsed = _timed(lambda events=events: [loads(data_of(event)) for event in events])
            taken = {how: _timed(_work(events, _rules(how, index, window))) for how in _HOW}
            if turn:  # the first one warms up
                parsing.append(parsed)
                for how in _HOW:
                    looking[how].append(taken[how])
        rows += [
            [f"{language}, {how}", spread(parsing), spread(some), ratio(some, parsing)] for how, some in looking.items()
        ]
    return table(
        "Output rules: µs per event, best / quartile / median",
        ("text and rule, 200 phrases", "parse alone", "rule", "rule × parse"),
        rows,
    )


def _rules(how: How, index: TextIndex, window: int) -> OutputRules:
    action = "flag" if how == "after" else "stop"
    rule = OutputRule(
        "bench", "annex", "enforce", how, action, tuple(range(200)), window=0 if how == "after" else window
    )
    return OutputRules((rule,), index)


def _work(events: list[bytes], rules: OutputRules) -> Callable[[], None]:
    def work() -> None:
        gate = OutputGate(rules, ChoicesReader())
        for event in events:
            gate.pass_on((event,))
        gate.finish()
        if any(finding.state != "clear" for finding in gate.findings()):
            raise RuntimeError("a rule of the bench matched or did not run")

    return work


def _event(word: str, language: str) -> bytes:
    text = word if language == "Chinese" else f" {word}"
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _timed(work: Callable[[], object]) -> float:
    """Microseconds per event."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1000 / _EVENTS
