"""An upstream's words, made fit for a caller: no address, no credential, no account of ours, no control character."""

from collections.abc import Mapping
from typing import Final

import re2

MAX_MESSAGE: Final = 500
_MAX_READ: Final = 4000
REMOVED: Final = "[removed]"
_ZONES: Final = (
    "com|net|org|io|ai|dev|app|co|us|eu|cn|de|uk|cloud|local|internal|intranet|lan|corp|home|svc|cluster|test|arpa"
)

# RE2 keeps hostile text linear. Order matters: URLs before hosts, key shapes before long tokens.
_PATTERNS: Final = tuple(
    re2.compile(pattern)
    for pattern in (
        r"(?i)\b[a-z][a-z0-9+.-]{1,20}://\S*",
        r"(?i)\bbearer\s+\S+",
        r"(?i)\b(?:sk|pk|rk|ak|key|api|org|proj|user|acct|sess|req|tok|token)[-_][a-z0-9_*.\-]{5,}",
        r"\S+@\S+\.\S+",
        r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b",
        r"(?i)\[?(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:%\w+)?\]?(?::\d+)?",
        r"(?i)\blocalhost\b(?::\d+)?",
        rf"(?i)\b(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+(?:{_ZONES})\b\.?(?::\d+)?",
        r"(?i)\b[a-z0-9][a-z0-9.-]*:\d{2,5}\b",
        r"(?:/[\w.@-]+){2,}/?",
        r"(?i)\b[a-z]:\\\S+",
        r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        r"\beyJ[\w.-]+",
        # No hyphen or underscore: names of models and fields are long too.
        r"[A-Za-z0-9+/=]{24,}",
    )
)


def scrub(text: str, hide: Mapping[str, str] | None = None) -> str:
    """At most 500 characters of `text` without what a caller must not learn.

    `hide` replaces names of ours by what the caller knows them as (the upstream's model name by the public one).
    """
    text = text[:_MAX_READ]
    for name, public in (hide or {}).items():
        text = text.replace(name, public)
    text = "".join([letter if letter.isprintable() else " " for letter in text])
    for pattern in _PATTERNS:
        text = pattern.sub(REMOVED, text)
    text = " ".join(text.split())
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
