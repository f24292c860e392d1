"""`client_country`: the country of the caller's address, by offline data; not known without it or behind a proxy."""

from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry


def _compile(words: tuple[str, ...], _: Compiling) -> AskTest:
    if "unknown" in words:
        raise ValueError("an address without a country is not known, so that nothing holds of it: leave out `unknown`")
    wanted = frozenset(words)

    def test(inquiry: Inquiry) -> bool | None:
        country = inquiry.client_country
        return country in wanted if country else None

    return test


def _fact(inquiry: Inquiry) -> str:
    return inquiry.client_country or "unknown"


CRITERION: Asked = Asked("client_country", "client_country_listed", "client_country_not_listed", _compile, _fact)
