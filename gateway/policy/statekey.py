"""Names of counters: (scope, unit, window, the set of requests counted), never a policy id or a tier.

Two limits whose names are equal share one counter, so a renamed policy or a changed tier never resets usage.
"""

from typing import Final

from gateway.core.account import Principal
from gateway.policy.scalars import Scope
from gateway.policy.traffic import escape

EVERYBODY: Final = "|all"
"""The home of limits above an org; no escaped name has such a mark."""


def scope_key(per: Scope, principal: Principal) -> str:
    """`account:acme`: whose use is counted; `all:` is that of everybody."""
    account = principal.account
    owner = {"key": principal.key_id, "account": account.id, "org": account.org, "all": ""}[per]
    return f"{per}:{escape(owner)}"


def home_of(per: Scope, principal: Principal) -> str:
    """What a store keeps together and decides on in one step: everything of an org, or what is everybody's."""
    return EVERYBODY if per == "all" else escape(principal.account.org)
