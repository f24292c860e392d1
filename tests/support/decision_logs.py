"""Decision logs that nobody recorded: lines as the gateway writes them, of requests as a test describes them."""

from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from gateway.core.usage import Usage
from gateway.observe.facts import FactsRecord
from gateway.observe.record_values import moment
from gateway.observe.records import ConditionRecord, DecisionRecord, LimitRecord
from gateway.policy.diff.recorded import Recorded, read_record

START_MS = 1_772_452_800_000
FACTS = FactsRecord(
    "DE", "", False, "", (), None, 0, "clear", 1, False, 100, 20, 1,
    None, 0, None, False, False, 0, "text", 1, 0, 0, (),
)  # fmt: skip


def decision(number: int = 0, *, at_s: float = 0, facts: dict[str, Any] | None = None, **more: Any) -> DecisionRecord:
    """An answered request of acme, of tier free: 10 tokens in, 20 out, one second long."""
    given: dict[str, Any] = {
        "id": f"req-{number:08}",
        "time": moment(START_MS + round(1000 * at_s)),
        "request_id": f"req-{number:08}",
        "route": "chat",
        "status": 200,
        "outcome": "complete",
        "version": "1",
        "account": "acme",
        "org": "org1",
        "tier": "free",
        "key_id": "k1",
        "dialect": "chat",
        "model": "m1",
        "revision": "000000000000",
        "usage": Usage(10, 20),
        "reserved_input_tokens": 10,
        "reserved_output_tokens": 100,
        "duration_s": 1.0,
        "facts": replace(FACTS, **(facts or {})),
    }
    return DecisionRecord(**{**given, **more})


def refused(number: int = 0, **more: Any) -> DecisionRecord:
    """One that policies refused: it took nothing."""
    none = {"usage": None, "reserved_input_tokens": 0, "reserved_output_tokens": 0, "duration_s": 0.001}
    return decision(number, **{"status": 403, "outcome": "refused", "reason": "policy_denied", **none, **more})


def recorded(record: DecisionRecord) -> Recorded:
    """As a replay reads it."""
    return read_record(record.as_line())


def write_log(path: Path, records: list[DecisionRecord]) -> Path:
    path.write_bytes(b"".join(record.as_line() for record in records))
    return path


def mixed(count: int, seed: int = 1, accounts: int = 200) -> list[DecisionRecord]:
    """Requests of many accounts, three a second, of all sorts: plain, refused, with and without facts."""
    random = Random(seed)
    made = []
    for number in range(count):
        who = random.randrange(accounts)
        facts = {
            "n": random.choice((1, 1, 1, 4)),
            "logprobs": random.random() < 0.2,
            "max_output": random.choice((50, 100, 4000)),
            "verified": who % 3 == 0,
            "country": ("DE", "US", "")[who % 3],
            "temperature": random.choice((None, 0.0, 1.0)),
        }
        more: dict[str, Any] = {
            "at_s": number / 3 + random.random(),
            "account": f"acct-{who}",
            "org": f"org-{who // 4}",
            "tier": ("free", "pro")[who % 2],
            "key_id": f"k{who}",
            "duration_s": random.choice((0.2, 3.0, 40.0)),
            "limits": (LimitRecord("new", "prompts", "distinct_prompts", 1, 5, failing=random.random() < 0.05),),
            "conditions": (ConditionRecord("words/secret", "00000000", holds=random.random() < 0.3),),
        }
        if random.random() < 0.1:
            made.append(refused(number, facts=facts, **more | {"duration_s": 0.001}))
        elif random.random() < 0.05:
            made.append(replace(refused(number, **more), facts=None))
        else:
            usage = Usage(random.randrange(1, 200), random.randrange(1, 300))
            made.append(decision(number, facts=facts, usage=usage, cost_nano_usd=1000 * usage.output_tokens, **more))
    return made
