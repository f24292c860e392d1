"""What a model's terms profile asks of a caller, as the rules of a policy with `access.terms: true`."""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.core import reasons
from gateway.core.account import Account
from gateway.core.reasons import Reason
from gateway.policy.actions import Reduce, Reduction
from gateway.policy.terms import Terms


class Standing(NamedTuple):
    """A denial that holds whatever the request says."""

    rule: str
    says: str
    reason: Reason = reasons.POLICY_DENIED


def standing_denials(terms: Terms, account: Account) -> Iterator[Standing]:
    """What the account lacks under these terms."""
    where = {
        account.country.upper() or "unknown",
        account.owner_country.upper() or account.country.upper() or "unknown",
    }
    served = terms.countries is None or where <= set(terms.countries)
    if not served or not where.isdisjoint(terms.denied_countries or ()):
        yield Standing("access.terms.countries", f"does not serve this account's country under {terms.document}")
    if terms.purposes is not None and account.declared_purpose not in terms.purposes:
        says = f"asks for a declared purpose under {terms.document}: one of {', '.join(terms.purposes)}"
        yield Standing("access.terms.purposes", says, reasons.PURPOSE_REQUIRED)
    if terms.minimum_age is not None and account.attested_age < terms.minimum_age:
        says = f"asks for an attested age of {terms.minimum_age} or more under {terms.document}"
        yield Standing("access.terms.minimum_age", says)


def reduction(terms: Terms) -> Reduce | None:
    """What is taken out of every request, so that no reasoning is shown that the terms keep back."""
    if terms.reasoning == "raw":
        return None
    return Reduce(reduce=Reduction(reasoning=terms.reasoning))
