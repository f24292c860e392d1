"""Sets of policies of any size, as files, most of which cover somebody else; and callers that they meet."""

from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from gateway.catalogue import Catalogue
from gateway.core.account import Account, Principal
from gateway.core.ask import Ask
from gateway.core.model import Model
from gateway.dialects import DIALECTS
from gateway.exchange import Exchange, Snapshot
from gateway.identity.directory import Directory
from gateway.policy.compile import PolicySet, compile_files
from gateway.policy.load import PolicyFile
from gateway.policy.model import Policy
from gateway.validate import build
from gateway.yamlio import load

TIER = "enterprise"
"""The tier of the caller of the bench."""
_COUNTRIES = ("US", "DE", "FR", "BR", "IN", "JP", "ZA")
_WORDS = (
    "cask", "still", "duty", "spirit", "warehouse", "officer", "gauge", "strength", "volume", "permit", "seal", "bond",
    "ledger", "excise", "copper", "malt", "grain", "water", "mash", "yeast", "heart", "feint", "proof", "barrel", "oak",
    "fill", "rack", "blend", "bottle", "label", "stamp", "crown", "keeper", "account",
)  # fmt: skip
_POLICY = """\
version: 1
id: policy-{number}
title: Policy {number}
status: stable
mode: enforce
owner: bench
clause: {{document: Terms, section: '{number}'}}
description: What policy {number} is for, in a sentence that says no more than this.
match: {match}
limits:
  per-minute: {{unit: requests, per: account, amount: {amount}, window: 1m}}
rules:
  choices:
    when: {{n: {{at_least: {most}}}, stream: false}}
    then: deny
  logprobs:
    when: {{all: [{{logprobs: true}}, {{not: {{account: [friend-{number}, guest-{number}]}}}}], max_output: {{at_least: {cap}}}}}
    then: {{reduce: {{logprobs: false}}}}
on_violation: {{message: Ask us first, contact: trust@example.com}}
false_positives: A caller that wants many answers at once.
"""  # noqa: E501
_TEXT = """\
version: 1
id: texts
title: Texts
status: stable
mode: enforce
owner: bench
description: 200 phrases and 20 expressions.
match: all
rules:
  words:
    when: {{text: {{phrases: [{phrases}], patterns: [{patterns}]}}}}
    then: deny
    per_request: true
on_violation: {{message: Ask us first, contact: trust@example.com}}
false_positives: A caller that writes about casks.
"""


def policies(count: int, covering: int) -> dict[str, str]:
    """Texts of files by name; `covering` of them, evenly spread, are about the caller of the bench."""
    return {
        f"policy-{number}": _POLICY.format(
            number=number,
            match=f"{{tier: {TIER}, dialect: chat}}"
            if number * covering % count < covering
            else _somebody_else(number),
            amount=10_000_000,
            most=9 + number % 90,
            cap=5000 + number,
        )
        for number in range(count)
    }


def text_policy() -> str:
    """One policy that looks for much and finds nothing in the bench's prompts."""
    pick = Random(7)
    tails = (" ".join(pick.sample(_WORDS, pick.choice((1, 2, 3)))) for _ in range(200))
    phrases = [f"smuggled {tail} {number}" for number, tail in enumerate(tails)]
    sources = [rf"{one}\s+(?:{two}|{three})\w+s" for one, two, three in (pick.sample(_WORDS, 3) for _ in range(10))]
    sources += [rf"\b{one}\b.{{0,20}}\b{two} \d" for one, two in (pick.sample(_WORDS, 2) for _ in range(6))]
    sources += [r"sk-[a-z0-9]{20}", r"\d{3}-\d{2}-\d{4}", r"[a-z0-9._]+@[a-z0-9]+\.com", r"(a+)+!$"]
    return _TEXT.format(phrases=", ".join(phrases), patterns=", ".join(f"'{source}'" for source in sources))


def _somebody_else(number: int) -> str:
    country = _COUNTRIES[number % len(_COUNTRIES)]
    return f"{{tier: tier-{number % 6}, country: {country}, model: ['model-{number % 40}-*']}}"


def policy_set(files: Mapping[str, str]) -> PolicySet:
    """Compiled, as a gateway does it."""
    loaded = [load(text, f"{name}.yaml") for name, text in files.items()]
    return compile_files([PolicyFile(build(one, Policy), one) for one in loaded])


def caller(name: str) -> tuple[Principal, str, Model]:
    """An account of the tier, the chat route and a model."""
    account = Account(id=f"acme-{name}", org=f"org-{name}", tier=TIER, country="US")
    return Principal(account, f"key-{name}"), _CHAT.name, _MODEL


_CHAT = next(dialect for dialect in DIALECTS if dialect.name == "chat")
_MODEL = Model("bench", "bench", ("main",), 131_072, 16_384, None)


def exchanges(rules: PolicySet, prompt: str, count: int) -> list[Exchange]:
    """Requests of one caller that have been read and not been ruled on."""
    who, _, model = caller("one")
    snapshot = Snapshot(Directory.of({}, {}, b""), Catalogue((model,), MappingProxyType({model.id: model})), rules)
    body = {"model": model.id, "messages": [{"role": "user", "content": prompt}], "max_tokens": 64, "temperature": 0.7}
    ask = _CHAT.read(body)
    if not isinstance(ask, Ask):
        raise TypeError("the bench's request was refused")
    made = []
    for number in range(count):
        x = Exchange(
            own_id=f"req-{number}", request_id=f"req-{number}", route=_CHAT.name, family=_CHAT.family,
            snapshot=snapshot, headers={}, started_at=0.0, started_ms=1_772_452_800_000, dialect=_CHAT,
        )  # fmt: skip
        x.principal, x.ask, x.model = who, ask, model
        made.append(x)
    return made
