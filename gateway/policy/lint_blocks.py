"""Where criteria stand in policies and in definitions.yaml: what several lint codes walk over."""

from collections.abc import Iterable, Iterator

from gateway.policy.blocks import Block
from gateway.policy.criteria.text import TextMatch
from gateway.policy.lint import Path, Scene
from gateway.policy.model import Policy

Blocks = Iterable[tuple[Path, Block]]
Texts = Iterable[tuple[Path, TextMatch]]


def blocks_of(policy: Policy) -> Iterator[tuple[Path, Block]]:
    """Every block of criteria of a policy, those inside others included."""
    yield from blocks_in(policy.match, ("match",))
    for name, rule in policy.rules.items():
        yield from blocks_in(rule.when, ("rules", name, "when"))


def fragment_blocks(scene: Scene) -> Iterator[tuple[Path, Block]]:
    """The same of what policies share."""
    for name, block in scene.definitions.fragments.items():
        yield from blocks_in(block, ("fragments", name))


def blocks_in(block: Block | None, path: Path) -> Iterator[tuple[Path, Block]]:
    """A block, and those inside it."""
    if block is None:
        return
    yield path, block
    yield from blocks_in(block.not_, (*path, "not"))
    for key in ("all", "any"):
        for place, inner in enumerate(getattr(block, key) or ()):
            yield from blocks_in(inner, (*path, key, place))


def with_fragments(block: Block | None, scene: Scene) -> Iterator[Block]:
    """A block, those inside it, and the fragments that they use, each once."""
    seen: set[str] = set()
    waiting: list[Block | None] = [block]
    while waiting:
        for _, one in blocks_in(waiting.pop(), ()):
            yield one
            if one.use is not None and one.use not in seen:
                seen.add(one.use)
                waiting.append(scene.definitions.fragments.get(one.use))


def texts_of(policy: Policy) -> Iterator[tuple[Path, TextMatch]]:
    """Every text criterion of a policy, those of output rules included."""
    yield from texts_in(blocks_of(policy))
    for name, entry in policy.output.items():
        if entry.text is not None:
            yield ("output", name, "text"), entry.text


def texts_in(blocks: Blocks) -> Iterator[tuple[Path, TextMatch]]:
    """The text criteria of some blocks."""
    for path, block in blocks:
        text = getattr(block, "text", None)
        if isinstance(text, TextMatch):
            yield (*path, "text"), text
