"""POST /v1/responses, served stateless: nothing is stored, nothing stored is reached."""

from collections.abc import Collection
from typing import Any, Final

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps_read
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import reasoning, rewriting, text_fields
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.content import Weight
from gateway.dialects.fields import check_table, unsupported
from gateway.dialects.openai_family import OpenAIFamily
from gateway.dialects.output import OutputReader
from gateway.dialects.output_responses import ResponsesReader
from gateway.dialects.parameters import ParameterReader, Parameters, media
from gateway.dialects.plain import plain
from gateway.dialects.reading import FieldReader
from gateway.dialects.reduction import Reduction, reduce_ask
from gateway.dialects.references import check_openai_tools, check_parts
from gateway.dialects.responses_stream import ResponsesMeter
from gateway.dialects.scan import finder, string_pieces
from gateway.dialects.texts import Texts, read_texts
from gateway.dialects.turns import user_turns
from gateway.dialects.usage_fields import inner, parse_object, responses_usage

_STRINGS: Final = finder("text", "refusal", "arguments", "input", "code")
_LOGPROBS: Final = "message.output_text.logprobs"


class OpenAIResponses:
    """Responses: input items in, output items out."""

    name = "responses"
    path = "/v1/responses"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or OpenAIFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        given: Any = body.get("input")
        talk = plain(given)
        if talk is None:
            _check_input(reader, body)
        include = body.get("include")
        if include is not None and type(include) is not list:
            reader.fail("include", "a list of strings")
        asked = [
            reader.logprob_count("top_logprobs"),
            reader.logprob_count("prompt_logprobs"),
            reader.logprob_count("n_probs"),
            type(include) is list and _LOGPROBS in include,
        ]
        ask = Ask(
            body=body,
            model=reader.model(),
            stream=reader.flag("stream"),
            prompt_bytes=0,
            output_cap=reader.tokens("max_output_tokens"),
            logprobs=any(asked),
            tools=bool(reader.items("tools")),
            wants_stream_usage=True,
        )
        reader.flag("store")
        reader.flag("background")
        reader.strings("user", "safety_identifier", "instructions")
        reader.objects("text", "reasoning", "prompt_cache_options")
        if reader.refusal is not None:
            return reader.refusal
        weight = Weight()
        if talk is not None:
            weight.text_bytes, ask.user_turns, ask.last_user_text = talk
            ask.plain = True
        else:
            ask.user_turns, ask.last_user_text = (1, given) if type(given) is str else user_turns(given)
            weight.content(given)
        weight.content(body.get("instructions"))
        weight.document(body.get("tools"))
        weight.document(inner(body, "text", "format"))
        ask.prompt_bytes, ask.media_items = weight.text_bytes, weight.media_items
        return ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        body = ask.body
        refusal = check_table(body, self.name, kind, pass_unknown=pass_unknown) or check_openai_tools(body.get("tools"))
        if refusal is None and inner(body, "prompt_cache_options", "comparison_response_id") is not None:
            where = "prompt_cache_options.comparison_response_id"
            refusal = unsupported(where, "is not supported: requests are served without stored state.")
        if refusal is None and not ask.plain and type(body.get("input")) is list:
            refusal = check_parts(body["input"], "input", kind)
            for index, item in enumerate(body["input"]):
                refusal = refusal or check_openai_tools(item.get("tools"), f"input.{index}.tools")
        return refusal

    def texts(self, body: dict[str, Any]) -> Texts:
        return read_texts(body, text_fields.RESPONSES)

    def parameters(self, ask: Ask) -> Parameters:
        reader = ParameterReader(ask.body)
        given = ask.body["input"]
        images, others = (0, 0) if ask.plain else media(given)
        return Parameters(
            temperature=reader.number("temperature"),
            top_p=reader.number("top_p"),
            seed=reader.present("seed"),
            stop=reader.length("stop"),
            tools=reader.length("tools"),
            tool_choice=reader.choice(),
            response_format=reader.format("text.format"),
            messages=len(given) if type(given) is list else 1,
            images=images,
            media=others,
            reasoning=reader.effort("reasoning.effort"),
            stream=ask.stream,
            top_logprobs=reader.most("top_logprobs", "prompt_logprobs", "n_probs"),
            odd=reader.odd,
        )

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        return reduce_ask(ask, reduction, kinds, self.name, reasoning.of_responses)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        copy = rewriting.begin(ask, rewrite, kind)
        copy["store"] = False
        rewriting.cap(copy, rewrite.output_cap, "max_output_tokens")
        rewriting.partition_cache(copy, rewrite, kind)
        return dumps_read(copy)

    def usage(self, body: bytes) -> Usage | None:
        # Parsed, not scanned: tools and schemas come back with keys that the caller chose, "usage" among them.
        return responses_usage(inner(parse_object(body), "usage"))

    def output_bytes(self, body: bytes) -> int:
        return string_pieces(body, _STRINGS)

    def output_texts(self) -> OutputReader:
        return ResponsesReader()

    def meter(self, *, strip_usage: bool) -> StreamMeter:  # noqa: ARG002 - usage is always part of these streams
        return ResponsesMeter()


def _check_input(reader: FieldReader, body: dict[str, Any]) -> None:
    value = body.get("input")
    if type(value) is str:
        return
    if type(value) is not list or not value:
        reader.fail("input", "a string or a list of at least one item")
    else:
        reader.items("input")
