"""What the detectors know of an answered generating request. Made by the pipeline, worked off the answer's path."""

from dataclasses import dataclass, fields
from typing import Final, NamedTuple

EXCERPT: Final = 2048
"""Characters of the last user turn kept from each end while a request waits for its turn."""


class Said(NamedTuple):
    """What a turn with text in it says: no text."""

    lexicons: frozenset[str]
    """Names of those that occur in the two ends."""
    ends: tuple[int, int] | None
    """Hashes of the first and the last block, None for a prompt without room for a wrapper and a payload."""


_SILENT: Final = frozenset({"head", "tail"})
"""Members that hold what callers wrote: no representation shows them."""


@dataclass(slots=True, init=False, repr=False)
class Facts:
    """One answered generating request.

    `prompt` is the fingerprint of the whole last user turn; `head` and `tail` are its two ends (see `ends`). Text is
    let go with the facts. Ages are seconds, None where the creation or release date is not known.
    """

    account: str
    key_id: str
    tier: str
    prompt: int
    head: str
    tail: str
    user_turns: int
    history: bool
    """Assistant turns came before."""
    logprobs: bool
    choices: int
    stream: bool
    completed: bool
    """The answer was read to its end."""
    input_tokens: int
    output_tokens: int
    account_age_s: int | None
    model_age_s: int | None
    network: str
    """The caller's address grouped to /24 or /64, empty where unknown."""
    client: str
    """The product of the User-Agent, empty where unknown."""
    said: Said | None
    """What the two ends say; None without text, and until the watchtower reads them for all signals."""

    # Written out, as Exchange is.
    def __init__(
        self,
        *,
        account: str,
        key_id: str,
        tier: str,
        prompt: int,
        head: str,
        tail: str,
        user_turns: int,
        history: bool,
        logprobs: bool,
        choices: int,
        stream: bool,
        completed: bool,
        input_tokens: int,
        output_tokens: int,
        account_age_s: int | None,
        model_age_s: int | None,
        network: str,
        client: str,
        said: Said | None = None,
    ) -> None:
        self.account = account
        self.key_id = key_id
        self.tier = tier
        self.prompt = prompt
        self.head = head
        self.tail = tail
        self.user_turns = user_turns
        self.history = history
        self.logprobs = logprobs
        self.choices = choices
        self.stream = stream
        self.completed = completed
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.account_age_s = account_age_s
        self.model_age_s = model_age_s
        self.network = network
        self.client = client
        self.said = said

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in _SHOWN)
        return f"Facts({', '.join(shown)})"


_SHOWN: Final = [member.name for member in fields(Facts) if member.name not in _SILENT]


def ends(text: str) -> tuple[str, str]:
    """The first and last characters of a turn, at most `EXCERPT` each; no tail when the head has it all.

    They never overlap, so that a text is not read twice.
    """
    if len(text) <= EXCERPT:
        return text, ""
    return text[:EXCERPT], text[max(EXCERPT, len(text) - EXCERPT) :]
