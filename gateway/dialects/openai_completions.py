"""POST /v1/completions: the older text API, still the plainest one on self-hosted servers."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from gateway.core.ask import Ask
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import reasoning, rewriting, text_fields, turns
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.content import Weight
from gateway.dialects.fields import check_table
from gateway.dialects.openai_family import OpenAIFamily
from gateway.dialects.openai_stream import ChunkMeter
from gateway.dialects.output import OutputReader
from gateway.dialects.output_choices import ChoicesReader
from gateway.dialects.parameters import ParameterReader, Parameters
from gateway.dialects.reading import MAX_TOKENS, FieldReader
from gateway.dialects.reduction import Reduction, reduce_ask
from gateway.dialects.scan import finder, markers, string_pieces, usage_object
from gateway.dialects.texts import Texts, read_texts
from gateway.dialects.usage_fields import openai_usage

_TEXT: Final = ("text", "reasoning_content")
_STYLES: Final = markers(*_TEXT)
_STRINGS: Final = finder(*_TEXT)
# One of each for all streams: thousands are open at once.
_KEYS: Final = frozenset(_TEXT)
_LAST: Final[Mapping[str, Any]] = {"text": "", "logprobs": None}


class OpenAICompletions:
    """Text completions. Every prompt of a list is answered, so each one counts as choices."""

    name = "completions"
    path = "/v1/completions"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or OpenAIFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        prompts = prompt_count(reader, body.get("prompt"), "prompt")
        asked = [
            reader.integer("logprobs", 0, MAX_TOKENS) is not None,  # 0 still returns the chosen token's
            reader.flag("echo"),
            reader.logprob_count("prompt_logprobs"),
            reader.logprob_count("n_probs"),
        ]
        ask = Ask(
            body=body,
            model=reader.model(),
            stream=reader.flag("stream"),
            prompt_bytes=0,
            output_cap=reader.tokens("max_tokens"),
            choices=prompts * max(reader.choices("n"), reader.choices("best_of")),
            logprobs=any(asked),
            wants_stream_usage=reader.stream_usage(),
            prompts=prompts,
        )
        reader.strings("user", "suffix")
        if reader.refusal is not None:
            return reader.refusal
        ask.user_turns, ask.last_user_text = turns.prompts(body["prompt"])
        weight = Weight()
        weight.content(body["prompt"])
        weight.content(body.get("suffix"))
        weight.document(body.get("response_format"))
        ask.prompt_bytes = weight.text_bytes
        return ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        return check_table(ask.body, self.name, kind, pass_unknown=pass_unknown)

    def texts(self, body: dict[str, Any]) -> Texts:
        return read_texts(body, text_fields.COMPLETIONS)

    def parameters(self, ask: Ask) -> Parameters:
        reader = ParameterReader(ask.body)
        return Parameters(
            temperature=reader.number("temperature"),
            top_p=reader.number("top_p"),
            seed=reader.present("seed"),
            stop=reader.length("stop"),
            response_format=reader.format("response_format"),
            messages=ask.prompts,
            stream=ask.stream,
            top_logprobs=reader.most("logprobs", "prompt_logprobs", "n_probs"),
            odd=reader.odd,
        )

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        return reduce_ask(ask, reduction, kinds, self.name, reasoning.of_completions)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        copy = rewriting.begin(ask, rewrite, kind)
        rewriting.cap(copy, rewrite.output_cap, "max_tokens")
        rewriting.ask_usage(copy, rewrite)
        if kind == "vllm":
            rewriting.partition_cache(copy, rewrite, kind)
        return rewriting.written(copy, rewrite)

    def usage(self, body: bytes) -> Usage | None:
        return openai_usage(usage_object(body))

    def output_bytes(self, body: bytes) -> int:
        return string_pieces(body, _STRINGS)

    def output_texts(self) -> OutputReader:
        return ChoicesReader()

    def meter(self, *, strip_usage: bool) -> StreamMeter:
        return ChunkMeter(_STYLES, _KEYS, _LAST, strip=strip_usage)


def prompt_count(reader: FieldReader, value: Any, name: str) -> int:
    """How many prompts there are in a text, a list of texts, a list of token ids, or a list of such lists."""
    if type(value) is str or (type(value) is list and value and _tokens(value)):
        return 1
    if type(value) is list and value:
        if all(type(item) is str for item in value):
            return len(value)
        if all(type(item) is list and item and _tokens(item) for item in value):
            return len(value)
    reader.fail(name, "a string, a list of strings, a list of token ids or a list of such lists, and not empty")
    return 1


def _tokens(value: list[Any]) -> bool:
    return all(type(item) is int for item in value)
