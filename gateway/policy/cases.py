"""Test files (*.test.yaml) as they are written: who asks what, when, after which use, and what must come of it."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.policy.blocks import Standing
from gateway.policy.case_marks import CaseMark
from gateway.policy.scalars import Instant, Phrase, Price, Words
from gateway.scalars import NanoDollars, Seconds, Text, one_or_many
from gateway.validate import Strict, build
from gateway.yamlio import Loaded, load_file


def _address(text: str) -> str:
    try:
        return str(ip_address(text)) if text else ""
    except ValueError:
        raise ValueError("expected an address such as 203.0.113.7") from None


Count = Annotated[int, Field(ge=0)]
Names = Annotated[tuple[Text, ...], BeforeValidator(one_or_many)]
"""One or several; unlike Words perhaps none, to say that there are none."""
UpstreamKind = Literal["openai", "azure", "vllm", "llamacpp", "generic"]


class CasePrices(Strict):
    """Dollars per million tokens."""

    input: Price = Field(description="Dollars per million input tokens.")
    output: Price = Field(description="Dollars per million output tokens.")


class CaseModel(Strict):
    """A model for the cases of this file."""

    context: Annotated[int, Field(gt=0)] = Field(default=128_000, description="Tokens of input and output together.")
    max_output: Count = Field(default=4096, description="Most output tokens of one choice.")
    prices: CasePrices | None = Field(default=None, description="Dollars per million tokens; none: unknown.")
    aliases: Words = Field(default=(), validate_default=False, description="Other names of it.")
    family: str = Field(default="", description="Models that belong together.")
    terms: str = Field(default="", description="Its terms profile, as in models.yaml.")
    kind: UpstreamKind = Field(default="openai", description="What serves it: decides how a request is reduced.")


class CaseAccount(Strict):
    """The caller's account; the org is the account itself unless said."""

    id: Text = Field(default="acme", description="Account id.")
    org: Text | None = Field(default=None, description="Org id; the account's id when absent.")
    tier: str = Field(default="default", description="Named class of account.")
    country: str = Field(default="", description="Two capital letters; none: unknown.")
    verified: bool = Field(default=False, description="Whether its identity was verified.")
    declared_purpose: str = Field(default="", description="What it declared; none: undeclared.")
    tags: Words = Field(default=(), validate_default=False, description="Its tags.")
    age: Seconds | None = Field(default=None, description="How long ago it was made, for example 3d.")
    owner_country: str = Field(default="", description="Where its beneficial owners are; none: unknown.")
    attested_age: Count = Field(default=0, description="Attested age of its holder in years; 0 if none was.")
    standing: Standing = Field(default="clear", description="What people decided about it.")


class CaseAsk(Strict):
    """What the request asks for. Without max_tokens the model's maximum is reserved, or the policies' cap."""

    prompt_tokens: Count = Field(default=10, description="Length of the prompt.")
    max_tokens: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Output cap that the caller asks for."
    )
    n: Annotated[int, Field(gt=0)] = Field(default=1, description="Choices asked for.")
    logprobs: bool = Field(default=False, description="Whether log probabilities are asked for.")
    prompt: Text = Field(default="prompt", description="Its text: the same text is the same prompt.")


class CaseUse(Strict):
    """What an earlier request used. total_tokens is the sum unless said."""

    requests: Count = Field(default=1, description="Requests.")
    input_tokens: Count = Field(default=0, description="Input tokens of each.")
    output_tokens: Count = Field(default=0, description="Output tokens of each.")
    total_tokens: Count | None = Field(default=None, description="All tokens of each; the sum when absent.")
    usd: NanoDollars | None = Field(default=None, description="Dollars that each cost.")
    reasoning_tokens: Count = Field(default=0, description="Reasoning tokens of each, part of the output.")
    logprob_requests: Count = Field(default=0, description="Requests that asked for log probabilities.")


class CaseEvent(Strict):
    """Earlier use: `times` requests from `ago` on, `every` so often, settled unless they are still open."""

    ago: Seconds | None = Field(default=None, description="How long before the case, for example 30s.")
    at: Instant | None = Field(default=None, description="When; instead of `ago`.")
    times: Annotated[int, Field(ge=1, le=10_000)] = Field(default=1, description="How many requests.")
    every: Seconds | None = Field(default=None, description="Time between them; none: all at once.")
    account: Text | None = Field(default=None, description="Another account with the same attributes and org.")
    key: Text | None = Field(default=None, description="Public id of the key; the case's when absent.")
    model: Text | None = Field(default=None, description="The model; the case's when absent.")
    prompt: Text | None = Field(default=None, description="Names its prompt; none: a new one each time.")
    request: dict[str, Any] | None = Field(default=None, description="Its body; none: no rule looks at it.")
    amounts: CaseUse = Field(default=CaseUse(), description="What each of them used.")
    open: bool = Field(default=False, description="Still in flight at the time of the case.")


class CaseGiven(Strict):
    """The situation of a case."""

    account: CaseAccount = Field(default=CaseAccount(), description="Who calls.")
    key: Text = Field(default="key1", description="Public id of the key.")
    model: Text = Field(default="model", description="The model that is asked.")
    dialect: Text = Field(default="chat", description="Wire format of the route.")
    ask: CaseAsk = Field(default=CaseAsk(), description="What the request asks for, in short.")
    request: dict[str, Any] | None = Field(
        default=None, description="The body as the caller sends it; its model is filled in. Instead of `ask`."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Headers of the request.")
    address: Annotated[str, AfterValidator(_address)] = Field(
        default="", description="The caller's address; none: not known."
    )
    client_country: str = Field(
        default="", pattern=r"^([A-Z]{2})?$", description="What the data says of the address; none: not known."
    )
    answer: Words = Field(default=(), validate_default=False, description="What the model writes, in pieces.")
    history: tuple[CaseEvent, ...] = Field(default=(), description="Earlier use.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.request is not None and "ask" in self.model_fields_set:
            raise ValueError("expected request or ask, not both")
        if self.client_country and not self.address:
            raise ValueError("client_country goes with address: without one nobody can look it up")
        return self


class CaseExpect(Strict):
    """What must come of a case. Keys that are absent are not compared."""

    action: Literal["allow", "deny", "review", "declare"] = Field(description="What comes of the request.")
    reason: Text | None = Field(default=None, description="Reason code of the refusal.")
    policy: Text | None = Field(default=None, description="Id of the policy that decides.")
    limit: Text | None = Field(default=None, description="The limit or budget that decides.")
    rule: Text | None = Field(default=None, description="The access rule that decides, for example access.models.")
    retry_after_s: Count | None = Field(default=None, description="Whole seconds, rounded up.")
    remaining: dict[str, int | float | str] | None = Field(
        default=None, description="Units left after the request, by limit; dollars for money."
    )
    output_cap: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="Output cap that policies put on the request."
    )
    delay_s: Count | None = Field(default=None, description="How long a rule lets it wait.")
    reduced: Names | None = Field(default=None, description="All fields that rules change.")
    tags: Names | None = Field(default=None, description="All marks that rules put on it.")
    findings: tuple[Text, ...] | None = Field(
        default=None, description="All that rules in force said, as `policy/rule: action`."
    )
    answer: Literal["whole", "stopped", "none"] | None = Field(
        default=None, description="What output rules do to the given answer; none where the request is refused."
    )
    watermark: CaseMark | None = Field(default=None, description="What policies in force ask so that it can be known.")
    watermark_audit: CaseMark | None = Field(default=None, description="What policies in audit mode would add to that.")
    audit: tuple[Text, ...] | None = Field(
        default=None, description="All that audit-mode policies would have done, as policy/rule."
    )


class Case(Strict):
    """One case."""

    name: Phrase = Field(description="What the case shows.")
    at: Instant = Field(description="When it happens.")
    given: CaseGiven = Field(description="The situation.")
    expect: CaseExpect = Field(description="What must come of it.")


class CaseFile(Strict):
    """One test file. Its cases meet the policy of the same file name unless `policies` says otherwise."""

    policies: Literal["all"] | tuple[Text, ...] | None = Field(
        default=None, description="Ids of the policies under test, or all of the folder."
    )
    models: dict[str, CaseModel] = Field(default_factory=dict, description="Models for the cases, by name.")
    cases: tuple[Case, ...] = Field(min_length=1, description="The cases.")


def read_cases(path: Path) -> tuple[CaseFile, Loaded]:
    """Raises YamlProblems."""
    loaded = load_file(path)
    return build(loaded, CaseFile), loaded
