"""Facts of a request, for tests that care about one or two of them."""

from typing import Any

from gateway.core.prompts import fingerprint
from gateway.detectors.facts import Facts, ends
from gateway.detectors.said import said

_PLAIN = {
    "account": "acme", "key_id": "k1", "tier": "free", "user_turns": 1, "history": False, "logprobs": False,
    "choices": 1, "stream": False, "completed": True, "input_tokens": 10, "output_tokens": 20, "account_age_s": None,
    "model_age_s": None, "network": "192.0.2.0/24", "client": "curl",
}  # fmt: skip
_KEY = b"a key for tests"


def facts(text: str = "What does a still weigh?", **changes: Any) -> Facts:
    """As the pipeline makes them: the texts are the caller's."""
    head, tail = ends(text)
    return Facts(**{"prompt": fingerprint(text, _KEY), "head": head, "tail": tail, **_PLAIN, **changes})


def read(text: str, **changes: Any) -> Facts:
    """As features get them: what the text says is known."""
    return facts(text, **{"said": said(*ends(text)), **changes})
