"""The term of service that a policy or rule encodes."""

from pydantic import Field

from gateway.policy.scalars import Phrase
from gateway.validate import Strict


class Clause(Strict):
    """Which term, and where it can be read."""

    document: Phrase = Field(description="Terms of service, usage policy, licence: as a refusal names it.")
    section: Phrase | None = Field(default=None, description="Where in the document.")
    url: Phrase | None = Field(default=None, description="Where it can be read.")


def clause_text(clause: Clause | None) -> str:
    """The clause in one line, as refusals and records carry it; "" for none."""
    if clause is None:
        return ""
    return ", ".join(part for part in (clause.document, clause.section, clause.url) if part)
