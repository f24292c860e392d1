"""What the caller asked, dialect-neutral: everything the rooms decide on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

_SILENT: Final = frozenset({"body", "last_user_text", "others", "tools_read", "tools_written", "for_kind"})
"""Members that hold what callers wrote: no representation shows them."""
_NOTHING: Final[dict[str, Any]] = {}


@dataclass(slots=True, init=False, repr=False)
class Ask:
    """One parsed request body.

    `body` is the parsed document; only `Dialect.rewrite` turns it into bytes again, and once it was sent it is let go:
    it may be megabytes, and an answer may take minutes. `prompt_bytes` counts the
    UTF-8 bytes of all text the model reads (messages, system, tools), never images or audio;
    `media_items` counts those. `output_cap` is tokens per choice as the caller wrote it, None when absent.
    """

    body: dict[str, Any]
    model: str
    stream: bool
    prompt_bytes: int
    media_items: int
    output_cap: int | None
    choices: int
    logprobs: bool
    tools: bool
    wants_stream_usage: bool
    prompts: int
    """Prompts that the request holds, each of which gets its choices: only completions may have several."""
    hidden_bytes: int
    """Of `prompt_bytes`, those of long base64 that stands where the model reads text: nobody here looks into it."""
    user_turns: int
    """Messages of a user; 0 where the request makes nothing be written."""
    last_user_text: str
    """The text of the last of them, for detectors."""
    others: Sequence[tuple[int, Any]]
    """Messages that are more than a role and texts, each with its index. Nothing in the others points anywhere."""
    tools_read: Any
    """Definitions of tools as they are in `body`, and as they are written: weighing and sending them is one effort."""
    tools_written: bytes
    for_kind: dict[str, dict[str, Any]] | None
    """Edits that a reduction makes only towards single kinds of upstream, by kind and field."""

    # Written out, as Exchange is.
    def __init__(
        self,
        body: dict[str, Any],
        model: str,
        stream: bool,
        prompt_bytes: int,
        *,
        media_items: int = 0,
        output_cap: int | None = None,
        choices: int = 1,
        logprobs: bool = False,
        tools: bool = False,
        wants_stream_usage: bool = False,
        prompts: int = 1,
        hidden_bytes: int = 0,
        user_turns: int = 0,
        last_user_text: str = "",
        others: Sequence[tuple[int, Any]] = (),
        tools_read: Any = None,
        tools_written: bytes = b"",
        for_kind: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self.body = body
        self.model = model
        self.stream = stream
        self.prompt_bytes = prompt_bytes
        self.media_items = media_items
        self.output_cap = output_cap
        self.choices = choices
        self.logprobs = logprobs
        self.tools = tools
        self.wants_stream_usage = wants_stream_usage
        self.prompts = prompts
        self.hidden_bytes = hidden_bytes
        self.user_turns = user_turns
        self.last_user_text = last_user_text
        self.others = others
        self.tools_read = tools_read
        self.tools_written = tools_written
        self.for_kind = for_kind

    def let_go(self) -> None:
        """Of all that the caller wrote."""
        self.body, self.last_user_text, self.others = _NOTHING, "", ()
        self.tools_read, self.tools_written = None, b""

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in _SHOWN)
        return f"Ask({', '.join(shown)})"


_SHOWN: Final = [member.name for member in fields(Ask) if member.name not in _SILENT]
