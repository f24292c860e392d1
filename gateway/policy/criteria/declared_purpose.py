"""`declared_purpose`: what the account said that it uses the outputs for; `undeclared` where it said nothing."""

from gateway.policy.criteria.base import Whom, among

CRITERION: Whom = among("declared_purpose", lambda account: account.declared_purpose or "undeclared")
