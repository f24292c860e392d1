"""One request on its way to be reduced, and the checks that hold for every reduction."""

import copy
import json
from dataclasses import fields, replace

from gateway.core.ask import Ask
from gateway.core.reasons import POLICY_DENIED
from gateway.core.refusal import Refusal
from gateway.dialects import DIALECTS
from gateway.dialects.base import Rewrite
from gateway.dialects.reduction import Reduction
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def copied(ask):
    """Another one with a document of its own; a class that is compiled is made anew, `copy` does not know how."""
    return replace(ask, **{member.name: copy.deepcopy(getattr(ask, member.name)) for member in fields(ask)})


class Asked:
    """One request, reduced; and the bodies that each kind is then sent."""

    def __init__(self, name, kinds=("openai",), /, **extra):
        self.dialect, self.kinds = BY_NAME[name], kinds
        self.given = {**MINIMAL[name], **extra}
        self.before = copy.deepcopy(self.given)
        self.ask = self.dialect.read(self.given)
        assert isinstance(self.ask, Ask), self.ask

    def reduce(self, **wanted):
        before = copied(self.ask)
        names = self.dialect.reduce(self.ask, Reduction(**wanted), self.kinds)
        assert self.given == self.before, "the parsed document stays as it was"
        if isinstance(names, Refusal):
            assert names.reason is POLICY_DENIED
            assert self.ask == before, "a refusal changes nothing"
            return None
        assert bool(names) == (self.ask.body != before.body or self.ask.for_kind != before.for_kind)
        again = copied(self.ask)
        assert self.dialect.reduce(self.ask, Reduction(**wanted), self.kinds) == (), "there is no less than less"
        assert self.ask == again
        return names

    def sent(self, kind=None):
        told = json.loads(self.dialect.rewrite(self.ask, Rewrite("m"), kind or self.kinds[0]))
        told.pop("store", None)
        return {name: value for name, value in told.items() if name not in MINIMAL[self.dialect.name]}
