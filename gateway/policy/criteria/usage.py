"""`usage`: how much of a limit the account had used after its last request here; not known before its first."""

from typing import Annotated

from pydantic import Field

from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry
from gateway.policy.recent import Used
from gateway.validate import Strict


class Usage(Strict):
    """A limit or budget, and how full it is."""

    limit: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*/[a-z][a-z0-9_-]*$")] = Field(
        description="policy/limit, for example free/tokens-per-day."
    )
    at_least: Annotated[float, Field(gt=0, le=1)] = Field(description="Share of the limit, such as 0.8.")


def _compile(value: Usage, _: Compiling) -> AskTest:
    def test(inquiry: Inquiry) -> bool | None:
        used = inquiry.memory.used.get(value.limit)
        return None if used is None else _share(used, inquiry) >= value.at_least

    return test


def _share(used: Used, inquiry: Inquiry) -> float:
    return used.left(inquiry.here.now_ms) / used.size


def _fact(inquiry: Inquiry) -> str:
    shares = (f"{limit} {round(100 * _share(use, inquiry))} %" for limit, use in sorted(inquiry.memory.used.items()))
    return ", ".join(shares) or "unknown"


CRITERION: Asked = Asked("usage", "usage_reached", "usage_not_reached", _compile, _fact)
