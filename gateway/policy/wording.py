"""The words of a refusal by policy: what the policy itself wants said."""

from gateway.core.refusal import Detail


def with_words(message: str, clause: str, own: str, contact: str, details: dict[str, Detail]) -> str:
    """Add the clause, the policy's own message and whom to ask; "" where there is none."""
    if clause:
        details["clause"] = clause
    if own:
        message += f". {own}"
    if contact:
        details["contact"] = contact
        message += f" (contact: {contact})"
    return message
