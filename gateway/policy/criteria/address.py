"""`address`: the caller's address lies in one of these networks; not known behind a proxy that nobody trusts."""

from ipaddress import ip_network

from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry


def _compile(cidrs: tuple[str, ...], _: Compiling) -> AskTest:
    wanted = tuple(ip_network(cidr) for cidr in cidrs)

    def test(inquiry: Inquiry) -> bool | None:
        address = inquiry.address
        return None if address is None else any(address in network for network in wanted)

    return test


def _fact(inquiry: Inquiry) -> str:
    return "unknown" if inquiry.address is None else "known"


CRITERION: Asked = Asked("address", "address_listed", "address_not_listed", _compile, _fact)
