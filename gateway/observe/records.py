"""The decision record: what was decided about one request and why, without a word of its content.

The schema is in docs/decision-records.md and is checked against this file: members are written in the order in which
they stand here. A record is made once, when its exchange is over, and becomes a line at once: what is kept is the line.
"""

from datetime import datetime
from typing import Any, Final, cast

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder, decode

from gateway.core.usage import Usage
from gateway.observe.facts import FactsRecord
from gateway.observe.record_values import clean

SCHEMA: Final = 1


class LimitRecord(Struct, gc=False):
    """One limit a request touched, right after its reserve. `reserved` and `remaining` are in `unit`."""

    policy: str
    limit: str
    unit: str
    reserved: int
    remaining: int
    failing: bool = False
    mode: str = "enforce"


class FindingRecord(Struct, gc=False):
    """What one rule said: what it did, whether that counted (mode), the reason code, and the term it encodes."""

    policy: str
    rule: str
    action: str
    mode: str
    reason: str
    clause: str = ""


class ConditionRecord(Struct, gc=False):
    """What came of a rule's condition that looks at what no record holds; null where nobody could know.

    `rule` is policy/rule; `revision` is the condition's own, and changes with what the rule looks for.
    """

    rule: str
    revision: str
    holds: bool | None


class OutputRecord(Struct, gc=False):
    """What came of one rule on the answer, see docs/output-rules.md."""

    policy: str
    rule: str
    action: str
    mode: str
    state: str
    why: str = ""
    ended: bool = False
    late: bool = False


class MarkRecord(Struct, gc=False):
    """The answer's mark, where a policy asks for one; `why` says why there is none. Nothing here tells a sign."""

    result: str
    why: str = ""
    epoch: str = ""
    family: str = ""
    list_index: int = 0
    strength: float = 0.0


class DecisionRecord(Struct, gc=False, tag_field="schema", tag=SCHEMA):
    """One request. Ids, codes and numbers only: there is no field that could hold a prompt, an answer or a key.

    `time` is as `moment` says it. `model` is a configured model's id, never the caller's spelling of one; empty when
    none was found.
    """

    id: str
    time: str
    request_id: str
    route: str
    status: int
    outcome: str
    version: str
    account: str = ""
    org: str = ""
    tier: str = ""
    key_id: str = ""
    dialect: str = ""
    model: str = ""
    upstream: str = ""
    attempts: int = 0
    stream: bool = False
    reason: str = ""
    policy: str = ""
    limit: str = ""
    revision: str = ""
    clause: str = ""
    findings: tuple[FindingRecord, ...] = ()
    conditions: tuple[ConditionRecord, ...] = ()
    output: tuple[OutputRecord, ...] = ()
    tags: tuple[str, ...] = ()
    delay_s: int = 0
    reduced: tuple[str, ...] = ()
    mark: MarkRecord | None = None
    facts: FactsRecord | None = None
    limits: tuple[LimitRecord, ...] = ()
    usage: Usage | None = None
    contradicted: bool = False
    reserved_input_tokens: int = 0
    reserved_output_tokens: int = 0
    reserved_nano_usd: int = 0
    cost_nano_usd: int = 0
    duration_s: float = 0.0
    overhead_s: float = 0.0
    ttfb_s: float | None = None
    client_abort_phase: str = ""

    @property
    def time_ms(self) -> int:
        """The time in Unix milliseconds."""
        return round(datetime.fromisoformat(self.time).timestamp() * 1000)

    def as_dict(self) -> dict[str, Any]:
        """What is written, as plain values."""
        return cast("dict[str, Any]", decode(self.as_line()))

    def as_line(self) -> bytes:
        """One JSON object and a newline, whatever the record holds."""
        return encode(clean(self)) + b"\n"

    def kept(self) -> "KeptRecord":
        """As sinks take it."""
        return keep(clean(self))


class KeptRecord(Struct, gc=False):
    """A record that was made a line: a few words to find it by, and the line without its newline."""

    id: str
    account: str
    time: str
    line: bytes

    def record(self) -> DecisionRecord:
        """What the line says."""
        return _read(self.line)


encode: Final = Encoder().encode
"""The line of a record whose texts and numbers are `clean`, without its newline."""

_read: Final = Decoder(DecisionRecord).decode


def keep(record: DecisionRecord) -> KeptRecord:
    """The line of a record that was made of clean parts; one that was not is cleaned first. Never raises."""
    try:
        return KeptRecord(record.id, record.account, record.time, encode(record))
    except UnicodeEncodeError:
        return KeptRecord(record.id, record.account, record.time, encode(clean(record)))


Limits = tuple[LimitRecord, ...] | Raw
"""Of a record: as they are read, or as JSON already, for a record that is written and not read."""
