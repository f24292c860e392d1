"""The YAML door: what it reads, what it refuses, and that it points at the right line."""

import time
from pathlib import Path

import pytest

from gateway import yamlio
from gateway.yamlio import YamlProblems


def problems(text: str) -> list[str]:
    with pytest.raises(YamlProblems) as caught:
        yamlio.load(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_reads_plain_values_as_what_they_look_like():
    text = 'a: 1\nb: -2.5\nc: true\nd: ~\ne:\nf: text\ng: "1"\nh: [1, x]\ni: {j: 1e3}\nk: .5\nl: +7\n'
    assert yamlio.load(text, "f.yaml").value == {
        "a": 1, "b": -2.5, "c": True, "d": None, "e": None, "f": "text", "g": "1", "h": [1, "x"], "i": {"j": 1000.0},
        "k": 0.5, "l": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    "word",
    ["no", "yes", "on", "off", "NO", "y", "n", "2026-01-01", "2026-01-01T00:00:00Z", "007", "0o17", "0x1f", "1:30",
     "1_000", ".inf", "-.inf", ".nan", "1e", ".", "-", "+", "0b1", "=", "1.2.3", "10.0.0.0/8", "٣"],
)  # fmt: skip
def test_what_only_resembles_another_type_stays_text(word: str):
    if word == "-":
        assert yamlio.load("a: [ -x, '-' ]", "f").value == {"a": ["-x", "-"]}
        return
    assert yamlio.load(f"a: {word}", "f").value == {"a": word}


def test_whole_numbers_keep_their_type_and_size():
    value = yamlio.load("a: 9007199254740993\nb: 1.0", "f").value
    assert value == {"a": 9007199254740993, "b": 1.0}
    assert isinstance(value["a"], int)
    assert isinstance(value["b"], float)


def test_empty_documents_are_nothing():
    for text in ("", "\n", "# only a comment\n", "---\n"):
        assert yamlio.load(text, "f").value is None


def test_one_quoted_merge_word_is_a_key_like_any_other():
    assert yamlio.load('"<<": 1', "f").value == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key 'a', first at line 1"),
        ("a:\n  - !!python/object:os.system x\n", "f.yaml:2:5: tags (!) are not accepted: expected a plain value"),
        ("a: !!str x\n", "f.yaml:1:4: tags (!) are not accepted: expected a plain value"),
        ("a: ! x\n", "f.yaml:1:4: tags (!) are not accepted: expected a plain value"),
        ("b: &b {x: 1}\na:\n  <<: *b\n", "f.yaml:3:3: merge keys (<<) are not accepted: write the keys out"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document: expected one document in a file"),
        ("%YAML 1.1\n---\na: 1\n", "f.yaml:1:1: % directives are not accepted"),
        ("a:\n  1: x\n", "f.yaml:2:3: a key must be text: put it in quotes"),
        ("true: x\n", "f.yaml:1:1: a key must be text: put it in quotes"),
        ("? [a]\n: x\n", "f.yaml:1:3: a key must be text: put it in quotes"),
        ("a: *b\n", "f.yaml:1:4: alias *b has no complete anchor before it"),
        ("a: &a [*a]\n", "f.yaml:1:8: alias *a has no complete anchor before it"),
        ("a: 1e999\n", "f.yaml:1:4: number out of range"),
        ("a: 'x\n", "f.yaml:2:1: not YAML: found unexpected end of stream"),
        (
            "a:\n\tb: 1\n",
            (
                "f.yaml:2:1: not YAML: found character that cannot start any token; "
                "the line is indented with a tab: use spaces"
            ),
        ),
        (
            "a:\n    b: 1\n   c: 2\n",
            "f.yaml:3:4: not YAML: did not find expected key; is the line indented like its neighbours?",
        ),
        ("a: [1\nb: 2\n", "f.yaml:2:2: not YAML: did not find expected ',' or ']'"),
        ("a: 1\nb: x\x01y\n", "f.yaml:2:5: not YAML: a character that YAML does not allow"),
        ("a: \ud800\n", "f.yaml:1:4: not YAML: a character that YAML does not allow"),
        ("[" * 40 + "]" * 40, "f.yaml:1:34: nested deeper than 32 levels"),
    ],
)
def test_refuses_and_points(text: str, expected: str):
    assert problems(text) == [expected]


def test_every_fault_is_named_at_once():
    assert problems("a: 1\na: 2\nb: !x 1\n1: x\n") == [
        "f.yaml:2:1: duplicate key 'a', first at line 1",
        "f.yaml:3:4: tags (!) are not accepted: expected a plain value",
        "f.yaml:4:1: a key must be text: put it in quotes",
    ]


def test_many_faults_stop_at_fifty():
    assert len(problems("a: 1\n" * 500)) == 50
    assert len(problems("a: 1\n" * 50 + "b: 'x")) == 50


def test_aliases_are_shared_up_to_the_cap():
    text = "a: &a [1]\nb: [" + ", ".join(["*a"] * 20) + "]"
    assert yamlio.load(text, "f").value["b"] == [[1]] * 20
    assert "more than 20 aliases" in problems(text[:-1] + ", *a]")[0]


def test_alias_bombs_end_early():
    lines = ["l0: &l0 [" + ", ".join(["x"] * 1000) + "]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 3)}]" for n in range(1, 7)]
    started = time.process_time()
    assert problems("\n".join(lines)) == ["f.yaml:7:10: more than 600000 values, aliases expanded"]
    assert time.process_time() - started < 2


def test_depth_counts_what_aliases_stand_for():
    deep = "a: &a " + "[" * 20 + "]" * 20 + "\nb: &b " + "[" * 10 + "*a" + "]" * 10 + "\n"
    assert yamlio.load(deep, "f").value["a"]
    assert "nested deeper than 32 levels, aliases expanded" in problems(deep + "c: [[[[*b]]]]\n")[0]


def test_too_large_is_refused_unread():
    assert problems("a: " + "x" * (1 << 20))[0].startswith("f.yaml:1:1: file too large: expected at most 1048576 bytes")


def test_a_full_size_file_is_read_in_seconds():
    text = "a:\n" + "- b: c\n" * 130_000
    started = time.process_time()
    assert len(yamlio.load(text, "f").value["a"]) == 130_000
    assert time.process_time() - started < 30


def test_places_of_scalars_collections_and_keys():
    loaded = yamlio.load("top:\n  list:\n    - name: x\n    - {name: y}\n  empty:\n", "f")
    spot = {
        path: (loaded.place(path).line, loaded.place(path).column)
        for path in [(), ("top",), ("top", "list"), ("top", "list", 0, "name"), ("top", "list", 1), ("top", "empty")]
    }
    assert spot == {
        (): (1, 1),
        ("top",): (1, 1),
        ("top", "list"): (2, 3),
        ("top", "list", 0, "name"): (3, 13),
        ("top", "list", 1): (4, 7),
        ("top", "empty"): (5, 3),
    }
    assert loaded.place(("top", "list", 0, "name"), key=True).column == 7
    assert loaded.place(("top", "list", 7, "name")).line == 2, "the nearest ancestor that is there"
    assert loaded.place(()).source == "f"


def test_files(tmp_path: Path):
    good = tmp_path / "good.yaml"
    good.write_bytes("\ufeffa: é\n".encode())
    assert yamlio.load_file(good).value == {"a": "é"}
    for name, content, message in [
        ("latin.yaml", b"a: 1\nb: \xe9\n", "latin.yaml:2:1: not UTF-8"),
        ("big.yaml", b"#" * ((1 << 20) + 9), "big.yaml:1:1: file too large"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(YamlProblems) as caught:
            yamlio.load_file(tmp_path / name)
        assert message in str(caught.value)
    with pytest.raises(YamlProblems, match="cannot be read: No such file"):
        yamlio.load_file(tmp_path / "absent.yaml")
    with pytest.raises(YamlProblems, match="expected a regular file"):
        yamlio.load_file(tmp_path)


def test_dump_writes_what_load_reads():
    value = {
        "a": ["no", "1e5", "007", "", "null", "<<", "x: y", "# z", "é", "a\nb"],
        "b": {"c": 1, "d": 2.5, "e": None},
    }
    assert yamlio.load(yamlio.dump(value), "f").value == value
    assert yamlio.dump({"plain": "words stay plain"}) == "plain: words stay plain\n"
