from pathlib import Path

import pytest

from gateway.policy.cases import CaseFile
from gateway.policy.definitions import DefinitionsFile
from gateway.policy.fmt import formatted, kind_of
from gateway.policy.model import Policy
from gateway.yamlio import YamlProblems

ROOT = Path(__file__).parents[3]


def laid_out(text: str) -> str:
    once = formatted(text, "f", Policy)
    assert formatted(once, "f", Policy) == once
    return once


def refusal(text: str) -> str:
    with pytest.raises(YamlProblems) as caught:
        formatted(text, "f", Policy)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_files_are_laid_out(path: Path) -> None:
    text = path.read_text()
    assert formatted(text, str(path), kind_of(path)) == text


def test_each_kind_of_file_has_its_order() -> None:
    assert kind_of(Path("p/free.yaml")) is Policy
    assert kind_of(Path("p/free.test.yaml")) is CaseFile
    assert kind_of(Path("p/definitions.yaml")) is DefinitionsFile
    assert formatted("terms: {}\nwords: {}\nversion: 1\n", "f", DefinitionsFile) == "version: 1\nwords: {}\nterms: {}\n"
    assert formatted("cases: []\nmodels: {}\n", "f", CaseFile) == "models: {}\ncases: []\n"


def test_keys_move_with_the_comments_right_above_them() -> None:
    text = """# yaml-language-server: $schema=x
# of match
match: all
# of id,
# in two lines
id: "p"   # behind it
  # of nothing but indented
version: 1
"""
    assert laid_out(text) == """# yaml-language-server: $schema=x
version: 1
# of id,
# in two lines
id: "p"   # behind it
  # of nothing but indented
# of match
match: all
"""  # fmt: skip


def test_a_comment_that_stands_apart_never_comes_to_belong_to_another_key() -> None:
    text = "# the file\n\nmatch: all\n# after match\n\nid: p\n# last\n"
    assert laid_out(text) == "# the file\n\nid: p\n# last\n\nmatch: all\n# after match\n"


def test_white_space_is_that_of_all_files() -> None:
    text = "\n\n# c   \nversion: 1  \n\n\n\nid: p\t\n\n\n"
    assert laid_out(text) == "# c\nversion: 1\n\nid: p\n"
    assert laid_out("id: p") == "id: p\n"
    assert laid_out("\ufeffid: p\r\nversion: 1\r\n") == "version: 1\nid: p\n"


@pytest.mark.parametrize(
    "value",
    [
        "|\n  one  \n\n\n\n  # no comment\n",
        ">-\n  folded\n\n\n  more\n",
        "'quoted  \n\n\n  # no comment'\n",
        "plain\n\n\n  more\n",
    ],
)
def test_white_space_inside_a_text_is_its_own(value: str) -> None:
    assert laid_out(f"description: {value}id: p\n") == f"id: p\ndescription: {value}"


def test_what_stands_inside_a_key_stays_as_it_is() -> None:
    inside = "limits:\n  # b first\n  b: {window: 1m, unit: requests,\n    amount: 1}\n\n  a:\n  - x\n  -   y # z\n"
    assert laid_out(inside + "id: p\n") == "id: p\n" + inside


def test_keys_that_the_language_does_not_know_go_last() -> None:
    assert laid_out("nonsense: 1\nid: p\nowner: o\nmore: 2\n") == "id: p\nowner: o\nnonsense: 1\nmore: 2\n"


def test_an_empty_mapping_of_keys_without_values() -> None:
    assert laid_out("match:\nid:\n") == "id:\nmatch:\n"
    assert laid_out("---\nmatch: all\nid: p\n") == "---\nid: p\nmatch: all\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{id: p, match: all}\n", "without braces"),
        (" match: all\n id: p\n", "does not stand at the start of a line"),
        ("match: &all all\nid: *all\n", "without changing what it means"),
        ("id: p\ndescription: |\n  text", "without changing what it means"),
        ("match: |+\n  x\n\n\nid: p\n...\n", "without changing what it means"),
        ("id: p\n*id : q\n", "no complete anchor"),
        ("id: &a p\n*a : q\n", "expected a key written out"),
        ("- id\n", "expected a mapping"),
        ("", "expected a mapping"),
        ("id: p\nid: q\n", "duplicate key"),
        ("id: 'p\u2028q'\n", "a line break other than a new line"),
        ("id: p\rmatch: all\r", "a line break other than a new line"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_with_a_sentence(text: str, said: str) -> None:
    assert said in refusal(text)


def test_anchors_that_keep_their_order_are_no_obstacle() -> None:
    assert laid_out("limits: {}\nid: &x p\nmatch: {tier: *x}\n") == "id: &x p\nmatch: {tier: *x}\nlimits: {}\n"
