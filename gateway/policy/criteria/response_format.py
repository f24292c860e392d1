"""`response_format`: text, json_object, json_schema or other; text where the request names none."""

from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry


def wanted_format(inquiry: Inquiry) -> str:
    return inquiry.parameters.response_format or "text"


def _compile(words: tuple[str, ...], _: Compiling) -> AskTest:
    wanted = frozenset(words)
    return lambda inquiry: wanted_format(inquiry) in wanted


CRITERION: Asked = Asked(
    "response_format", "response_format_listed", "response_format_not_listed", _compile, wanted_format
)
