"""The term of service that a policy or rule encodes."""

from gateway.policy.scalars import Phrase
from gateway.validate import Strict


class Clause(Strict):
    """Which term, and where it can be read."""

    document: Phrase
    section: Phrase | None = None
    url: Phrase | None = None


def clause_text(clause: Clause | None) -> str:
    """The clause in one line, as refusals and records carry it; "" for none."""
    if clause is None:
        return ""
    return ", ".join(part for part in (clause.document, clause.section, clause.url) if part)
