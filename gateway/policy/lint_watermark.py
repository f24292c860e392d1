"""Lint of marks: a policy that asks for them where none can be."""

from typing import Final

from gateway.core.model import CODE
from gateway.policy.compiling import Compiler
from gateway.policy.lint import Complaints, Rule, Scene
from gateway.policy.load import PolicyFile
from gateway.policy.reach import reaches
from gateway.policy.watermark import RULE


def marks_nothing(file: PolicyFile, scene: Scene) -> Complaints:
    policy, models = file.policy, scene.known.models
    if policy.watermark is None or policy.watermark.scheme == "none" or models is None:
        return
    match = Compiler(scene.definitions).condition(policy.match, ("match",))
    covered = [model for model in models if reaches(match, model)]
    if covered and all(CODE in model.tags for model in covered):
        named = ", ".join(model.id for model in covered[:5])
        yield (RULE,), f"no answer can be marked: models that write code never are, and it covers no other ({named})"


WATERMARK_RULES: Final = (Rule("P601", "marks nothing", "warning", marks_nothing),)
