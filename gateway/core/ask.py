"""What the caller asked, dialect-neutral: everything the rooms decide on."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Ask:
    """One parsed request body.

    `body` is the parsed document; only `Dialect.rewrite` turns it into bytes again, and once it was sent it is let go:
    it may be megabytes, and an answer may take minutes. `prompt_bytes` counts the
    UTF-8 bytes of all text the model reads (messages, system, tools), never images or audio;
    `media_items` counts those. `output_cap` is tokens per choice as the caller wrote it, None when absent.
    """

    body: dict[str, Any] = field(repr=False)
    model: str
    stream: bool
    prompt_bytes: int
    media_items: int = 0
    output_cap: int | None = None
    choices: int = 1
    logprobs: bool = False
    tools: bool = False
    wants_stream_usage: bool = False
    prompts: int = 1
    """Prompts that the request holds, each of which gets its choices: only completions may have several."""
    hidden_bytes: int = 0
    """Of `prompt_bytes`, those of long base64 that stands where the model reads text: nobody here looks into it."""
    user_turns: int = 0
    """Messages of a user; 0 where the request makes nothing be written."""
    last_user_text: str = field(default="", repr=False)
    """The text of the last of them, for detectors; let go with `body`."""
    plain: bool = False
    """The messages are roles and texts alone: nothing in them can point anywhere."""
    for_kind: dict[str, dict[str, Any]] | None = field(default=None, repr=False)
    """Edits that a reduction makes only towards single kinds of upstream, by kind and field."""
