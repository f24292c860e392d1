"""`address`: the caller's address lies in one of these networks; not known behind a proxy that nobody trusts."""

from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry
from gateway.scalars import Text, one_or_many


def _network(value: Any) -> Any:
    for cidr in value if isinstance(value, tuple) else ():
        try:
            ip_network(cidr)
        except ValueError:
            raise ValueError(f"expected a network such as 192.0.2.0/24 or 2001:db8::/32, found {cidr!r}") from None
    return value


Networks = Annotated[tuple[Text, ...], BeforeValidator(lambda value: _network(one_or_many(value))), Field(min_length=1)]


def _compile(cidrs: tuple[str, ...], _: Compiling) -> AskTest:
    wanted = tuple(ip_network(cidr) for cidr in cidrs)

    def test(inquiry: Inquiry) -> bool | None:
        address = inquiry.address
        return None if address is None else any(address in network for network in wanted)

    return test


def _fact(inquiry: Inquiry) -> str:
    return "unknown" if inquiry.address is None else "known"


CRITERION: Asked = Asked("address", "address_listed", "address_not_listed", _compile, _fact)
