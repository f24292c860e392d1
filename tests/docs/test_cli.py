"""docs/cli.md has every verb with every flag, and no other; commands in all pages are ones that parse."""

import argparse
import re
import shlex
from collections.abc import Iterator

import pytest

from gateway.cli.main import VERBS, _parser, main
from tests.support.markdown import PAGES, ROOT, blocks

PAGE = (ROOT / "docs" / "cli.md").read_text()
SECTIONS = dict(re.findall(r"^## (gateway [\w -]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def verbs() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """`gateway keys new` and its parser, for each."""
    for verb in VERBS:
        parser = _children(_parser(verb.name)[0])[verb.name]
        below = _children(parser)
        yield from ((f"gateway {verb.name} {name}", one) for name, one in below.items())
        if not below:
            yield f"gateway {verb.name}", parser


def _children(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(groups[0].choices) if groups else {}


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """As the usage line writes them: `--config FILE`, `--json`, `PATH`."""
    found = set()
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        metavar = action.metavar or ("{" + ",".join(action.choices) + "}" if action.choices else action.dest.upper())
        name = action.option_strings[-1] if action.option_strings else ""
        found.add(" ".join(part for part in (name, str(metavar) if action.nargs != 0 else "") if part))
    return found


@pytest.mark.parametrize(("name", "parser"), list(verbs()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_verb_is_documented_with_its_flags(name: str, parser: argparse.ArgumentParser):
    assert flags(parser) == set(re.findall(r"^\| `([^`]+)` \|", SECTIONS[name], re.MULTILINE))


def test_no_verb_is_documented_that_does_not_exist():
    assert set(SECTIONS) == {name for name, _ in verbs()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_pages_parse(page):
    """Synopses (with brackets) are not commands."""
    lines = [line for block in blocks(page) for line in block.text.splitlines()]
    for line in lines:
        if line.startswith("gateway ") and "[" not in line:
            words = shlex.split(line.partition(" > ")[0])[1:]
            assert _parser(words[0])[0].parse_args(words).command == words[0]


def test_the_exit_statuses_are_true(capsys):
    assert main(["serve", "--config", "nothing.yaml"]) == 2
    assert main(["serve", "--config", str(ROOT / "LICENSE")]) == 1
    assert "not started" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["serve", "--nonsense"])
    assert main(["demo", "--policies", "nowhere"]) == 2
