"""Lint of what policies share: definitions.yaml, and the terms profiles that models.yaml names."""

from collections.abc import Iterator
from typing import Final

from gateway.policy.lint import Complaints, Path, Rule, Scene
from gateway.policy.lint_blocks import Blocks, blocks_of, fragment_blocks, texts_in, texts_of
from gateway.policy.load import PolicyFile
from gateway.policy.names import names_model
from gateway.validate import nearest

NO_PROFILE: Final = "unknown"
"""What a criterion on terms calls a model without a profile."""


def unused(scene: Scene) -> Complaints:
    if not scene.whole:
        return
    shared = scene.definitions
    used = {block.use for _, block in _all_blocks(scene)}
    for name in shared.fragments:
        if name not in used:
            yield ("fragments", name), f"no policy uses the fragment '{name}': remove it, or use it"
    texts = [text for file in scene.files for _, text in texts_of(file.policy)]
    texts += [text for _, text in texts_in(fragment_blocks(scene))]
    words = {name for text in texts for name in text.words or ()}
    for name in shared.words:
        if name not in words:
            yield ("words", name), f"no policy uses the word list '{name}': remove it, or use it"
    models = scene.known.models
    if models is None:
        return
    profiles = {model.terms for model in models}
    profiles |= {name for _, block in _all_blocks(scene) if block.terms for name in block.terms.profile or ()}
    for name in shared.terms:
        if name not in profiles:
            yield ("terms", name), f"no model and no policy names the terms profile '{name}'"


def unknown_terms(file: PolicyFile, scene: Scene) -> Complaints:
    yield from _unknown_terms(blocks_of(file.policy), scene)


def unknown_terms_shared(scene: Scene) -> Complaints:
    yield from _unknown_terms(fragment_blocks(scene), scene)


def unknown_terms_of_models(scene: Scene) -> Complaints:
    known = scene.definitions.terms
    for model in scene.known.models or ():
        if model.terms and model.terms not in known:
            message = f"nothing is enforced by the unknown terms profile '{model.terms}'{nearest(model.terms, known)}"
            yield ("models", model.id, "terms"), message


def terms_without_profile(file: PolicyFile, scene: Scene) -> Complaints:
    policy, models = file.policy, scene.known.models
    if policy.access is None or policy.access.terms is not True or models is None:
        return
    wanted = policy.match.model if policy.match is not None else None
    allowed = policy.access.models
    bare = [
        model.id
        for model in models
        if not model.terms and all(patterns is None or names_model(patterns, model) for patterns in (wanted, allowed))
    ]
    if bare:
        named = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
        yield ("access", "terms"), f"models without a terms profile, of which nothing is enforced: {named}"


def _all_blocks(scene: Scene) -> Blocks:
    for file in scene.files:
        yield from blocks_of(file.policy)
    yield from fragment_blocks(scene)


def _unknown_terms(blocks: Blocks, scene: Scene) -> Iterator[tuple[Path, str]]:
    known = scene.definitions.terms
    for path, block in blocks:
        for index, name in enumerate(block.terms.profile or () if block.terms is not None else ()):
            if name != NO_PROFILE and name not in known:
                yield (*path, "terms", "profile", index), f"unknown terms profile '{name}'{nearest(name, known)}"


SHARED_RULES: Final = (
    Rule("P401", "nothing uses it", "warning", shared=unused),
    Rule(
        "P402", "unknown terms profile", "error", unknown_terms, unknown_terms_shared, catalogue=unknown_terms_of_models
    ),
    Rule("P403", "terms without a profile", "warning", terms_without_profile),
)
