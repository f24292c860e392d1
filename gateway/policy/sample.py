"""The plainest request of every dialect: for cases and explanations that do not say what exactly was asked."""

from typing import Any, Final

from gateway.dialects import DIALECTS
from gateway.dialects.base import Dialect

SPEAKERS: Final[dict[str, Dialect]] = {dialect.name: dialect for dialect in DIALECTS}


def plain_body(
    dialect: str, text: str, *, max_tokens: int | None = None, n: int = 1, logprobs: bool = False
) -> dict[str, Any]:
    """A body with one user turn, without its model. What the dialect has no field for is left out."""
    messages = [{"role": "user", "content": text}]
    body: dict[str, Any]
    match dialect:
        case "chat":
            body = {"messages": messages, "logprobs": True if logprobs else None}
        case "completions":
            body = {"prompt": text, "logprobs": 1 if logprobs else None}
        case "responses":
            body = {"input": text, "max_output_tokens": max_tokens}
            body["include"] = ["message.output_text.logprobs"] if logprobs else None
        case "messages":
            body = {"messages": messages, "max_tokens": max_tokens or 1}
        case "count_tokens":
            body = {"messages": messages}
        case _:
            body = {"input": text}
    if dialect in ("chat", "completions"):
        body |= {"max_tokens": max_tokens, "n": n if n > 1 else None}
    return {name: value for name, value in body.items() if value is not None}
