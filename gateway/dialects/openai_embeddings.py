"""POST /v1/embeddings: input only, nothing is generated."""

from typing import Any

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import rewriting
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.content import Weight
from gateway.dialects.fields import check_table
from gateway.dialects.openai_completions import prompt_count
from gateway.dialects.openai_family import OpenAIFamily
from gateway.dialects.reading import FieldReader
from gateway.dialects.scan import usage_object
from gateway.dialects.unstreamed import Unstreamed
from gateway.dialects.usage_fields import openai_usage


class OpenAIEmbeddings:
    """Embeddings: texts or token ids in, vectors out."""

    name = "embeddings"
    path = "/v1/embeddings"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or OpenAIFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        prompt_count(reader, body.get("input"), "input")
        ask = Ask(body=body, model=reader.model(), stream=False, prompt_bytes=0)
        reader.strings("user")
        if reader.refusal is not None:
            return reader.refusal
        weight = Weight()
        weight.content(body["input"])
        ask.prompt_bytes = weight.text_bytes
        return ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        return check_table(ask.body, self.name, kind, pass_unknown=pass_unknown)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:  # noqa: ARG002 - the same for every kind
        return dumps(rewriting.begin(ask.body, rewrite))

    def usage(self, body: bytes) -> Usage | None:
        return openai_usage(usage_object(body))

    def output_bytes(self, body: bytes) -> int:  # noqa: ARG002 - vectors are no text
        return 0

    def meter(self, *, strip_usage: bool) -> StreamMeter:  # noqa: ARG002 - there are no streams
        return Unstreamed()
