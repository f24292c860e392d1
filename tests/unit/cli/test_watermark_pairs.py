"""`gateway watermark pairs`: a table from a sample and a tokenizer, whoever answers for the tokenizer and however."""

import argparse
import json
import threading
from importlib.util import find_spec

import pytest

from gateway.cli import tokens_from_server, watermark_pairs
from gateway.cli.token_sources import TokensFailed, single_token
from gateway.cli.tokens_from_server import ServerTokens
from gateway.upstreams.settings import UpstreamSettings
from gateway.watermarks.pairs import read_table
from tests.support.config_dir import write_config
from tests.support.needs import missing
from tests.support.token_server import token_server

WORDS = ["the", "cat", "dog", "sat", "ran", "on", "under", "mat", "rug", "and"]
TOKENS = {word: 100 + at for at, word in enumerate(WORDS)}
TEXT = "The cat sat on the mat and the dog ran under the rug. Then the cat ran and the dog sat. "


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "sample.txt"
    path.write_text(TEXT * 20)
    return path


@pytest.fixture
def pairs(tmp_path, sample, capsys, monkeypatch):
    """Run the verb: (exit status, the table's path, standard error)."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    output = tmp_path / "table.json"

    def call(*words, samples=(sample,)):
        parser = argparse.ArgumentParser()
        watermark_pairs.add_parser(parser.add_subparsers(dest="verb"))
        given = ["--sample", *map(str, samples), "--model", "cats", "-o", str(output), *map(str, words)]
        return watermark_pairs.run(parser.parse_args(["pairs", *given])), output, capsys.readouterr().err

    return call


def words_of(table):
    return {word for pair in read_table(table).pairs for word in (pair.first, pair.second)}


@pytest.mark.parametrize("form", ["llamacpp", "vllm"])
def test_a_server_is_asked_in_its_own_form(pairs, form):
    with token_server(TOKENS, form) as server:
        status, output, err = pairs("--upstream", server.url)
    assert status == 0, err
    table = read_table(output)
    assert (table.model, words_of(output)) == ("cats", set(WORDS))
    for pair in table.pairs:
        assert (pair.first_token, pair.second_token) == (TOKENS[pair.first], TOKENS[pair.second])
    assert "all tokens came back as their words" in err
    assert f"digest {table.digest}" in err
    for path, _, body in server.asked:
        assert path in {"/tokenize", "/detokenize"}
        assert form == "llamacpp" or path == "/detokenize" or body.get("model", "cats") == "cats"


@pytest.mark.parametrize(
    ("base", "both", "token"),
    [([1], [1, 2], 2), ([0, 1], [0, 1, 2], 2), ([1], [1], None), ([1], [1, 2, 3], None), ([1], [9, 2], None),
     ([], [2], 2), ([1, 2], [3], None)],
)  # fmt: skip
def test_a_token_is_what_stands_behind_an_unchanged_word(base, both, token):
    assert single_token(base, both) == token


def test_a_word_of_several_tokens_is_left_out(pairs):
    known = {word: token for word, token in TOKENS.items() if word not in {"rug", "mat"}}
    with token_server(known) as server:
        status, output, _ = pairs("--upstream", server.url)
    assert (status, words_of(output)) == (0, set(known))


def test_the_answers_are_kept_and_asked_for_once(pairs, tmp_path):
    with token_server(TOKENS) as server:
        assert pairs("--upstream", server.url)[0] == 0
        first = [body["content"] for path, _, body in server.asked if path == "/tokenize"]
        assert sorted(first) == sorted(["the", *(f"the {word}" for word in [*WORDS, "then"] if word != "then")])
        server.asked.clear()
        (tmp_path / "table.json").unlink()
        assert pairs("--upstream", server.url)[0] == 0
    kept = [json.loads(line) for line in (tmp_path / "table.json.tokens").read_text().splitlines()]
    assert dict(kept[1:]) == TOKENS
    assert len(kept) == 1 + len(TOKENS), "asking again adds nothing"


def test_a_server_whose_tokenizer_changed_is_noticed(pairs, tmp_path):
    with token_server(TOKENS) as server:
        assert pairs("--upstream", server.url)[0] == 0
        server.words = {word: token + 1000 for word, token in TOKENS.items()}
        (tmp_path / "table.json").unlink()
        status, output, err = pairs("--upstream", server.url)
    assert (status, output.exists()) == (1, False)
    assert "holds answers that differ" in err
    assert "table.json.tokens" in err


@pytest.mark.parametrize(
    "content",
    ["", "{}", "not json\n", '{"format": 1, "tokenizer": "other"}\n["the", 5]\n', "[]\n", '{"format": 1}\n'],
)
def test_a_file_of_answers_that_is_none_is_started_over(pairs, tmp_path, content):
    (tmp_path / "answers").write_text(content)
    with token_server(TOKENS) as server:
        status, output, _ = pairs("--upstream", server.url, "--cache", tmp_path / "answers")
    assert (status, words_of(output)) == (0, set(WORDS))


@pytest.mark.parametrize("tail", ['["cat"', '["cat", true]\n', '["cat", "x"]\n', "5\n"])
def test_half_a_line_of_answers_is_started_over(pairs, tmp_path, tail):
    with token_server(TOKENS) as server:
        pairs("--upstream", server.url, "--cache", tmp_path / "answers")
        with (tmp_path / "answers").open("a") as file:
            file.write(tail)
        (tmp_path / "table.json").unlink()
        assert pairs("--upstream", server.url, "--cache", tmp_path / "answers")[0] == 0
    kept = [json.loads(line) for line in (tmp_path / "answers").read_text().splitlines()]
    assert (len(kept), dict(kept[1:])) == (1 + len(TOKENS), TOKENS)


def test_few_questions_at_a_time(pairs):
    two = threading.Barrier(2, timeout=30)

    def together(path, body, *answer):
        if body.get("content", "the") != "the":
            two.wait()  # ten questions: each waits for another one that is under way
        return answer

    with token_server(TOKENS, twist=together) as server:
        assert pairs("--upstream", server.url)[0] == 0
        assert 2 <= server.most_at_once <= tokens_from_server.AT_ONCE


def test_a_server_without_the_way_back_is_told(pairs):
    with token_server(
        TOKENS, twist=lambda path, body, *answer: (404, {}) if path == "/detokenize" else answer
    ) as server:
        status, output, err = pairs("--upstream", server.url)
    assert (status, words_of(output)) == (0, set(WORDS))
    assert "there is no way to ask" in err


def to(path, change):
    """A twist of the answers to one path, and to no other; the word "the" alone stays honest."""

    def twist(asked, body, *answer):
        return change(*answer) if asked == path and body.get("content") != "the" else answer

    return twist


@pytest.mark.parametrize(
    ("twist", "says"),
    [
        (to("/tokenize", lambda *_: (500, {})), "answers /tokenize with 500"),
        (to("/tokenize", lambda *_: (302, {})), "answers /tokenize with 302"),
        (to("/tokenize", lambda *_: (200, b"<html>")), "answers /tokenize with something that is not JSON"),
        (to("/tokenize", lambda *_: (200, [1, 2])), "without a list of tokens"),
        (to("/tokenize", lambda *_: (200, {"tokens": [1, -2]})), "without a list of tokens"),
        (to("/tokenize", lambda *_: (200, {"tokens": [1, True]})), "without a list of tokens"),
        (to("/tokenize", lambda *_: (200, {"tokens": [{"id": 5}]})), "without a list of tokens"),
        (to("/tokenize", lambda *_: (200, {"tokens": [1 << 31]})), "without a list of tokens"),
        (to("/tokenize", lambda *_: (200, {"tokens": list(range(65))})), "with 65 tokens for 'the "),
        (to("/tokenize", lambda *_: (200, b" " * 300_000)), "over the size limit"),
        (to("/tokenize", lambda *_: (200, {"tokens": [100, 7]})), "gives 10 of 10 words a token that others have too"),
        (to("/tokenize", lambda *_: (200, {"tokens": []})), "expected 1 to 1024 pairs, found 0"),
        (to("/detokenize", lambda *_: (200, {"content": "no"})), "does not turn its tokens back into the words"),
    ],
    ids=["500", "redirect", "html", "list", "negative", "boolean", "objects", "large", "many", "huge", "same", "none",
         "way-back"],
)  # fmt: skip
def test_whatever_a_server_does_is_named(pairs, twist, says):
    with token_server(TOKENS, twist=twist) as server:
        status, output, err = pairs("--upstream", server.url)
    assert (status, output.exists()) == (1, False)
    assert says in err


def hang(handler):
    handler.server.released.wait(30)


def drip(handler):
    handler.send_response(200)
    handler.send_header("content-length", "100000")
    handler.end_headers()
    try:
        while not handler.server.released.wait(0.02):
            handler.wfile.write(b" ")
    except OSError:
        pass


@pytest.mark.parametrize("trouble", [hang, drip])
def test_a_server_that_gives_no_answer_is_not_waited_for(trouble):
    with token_server(TOKENS, twist=to("/tokenize", lambda *_: trouble)) as server:
        source = ServerTokens(UpstreamSettings("u", "llamacpp", server.url, frozenset()), "cats", each_s=0.5)
        with pytest.raises(TokensFailed, match=r"/tokenize"):
            source.tokens_of(["cat"], {}.__setitem__)
        assert not server.released.is_set()


def test_what_was_learnt_before_the_trouble_is_kept(pairs, tmp_path):
    def late(path, body, *answer):
        return (500, {}) if body.get("content") == "the rug" else answer

    with token_server(TOKENS, twist=late) as server:
        assert pairs("--upstream", server.url)[0] == 1
    kept = [json.loads(line) for line in (tmp_path / "table.json.tokens").read_text().splitlines()]
    assert 0 < len(kept[1:]) < len(TOKENS)
    assert all(TOKENS[word] == token for word, token in kept[1:])


def test_all_questions_together_are_bounded():
    with token_server(TOKENS, twist=to("/tokenize", lambda *_: hang)) as server:
        settings = UpstreamSettings("u", "llamacpp", server.url, frozenset())
        source = ServerTokens(settings, "cats", each_s=60, all_s=0.5)
        with pytest.raises(TokensFailed, match=r"took longer than 0\.5 s in all"):
            source.tokens_of(["cat", "dog"], {}.__setitem__)
        assert not server.released.is_set()


def test_nobody_listens(pairs):
    status, _, err = pairs("--upstream", "http://127.0.0.1:9/v1")
    assert (status, "could not be reached" in err) == (1, True)


def test_an_upstream_of_the_settings_is_asked_with_its_key(pairs, tmp_path):
    (tmp_path / "key").write_text("sk-up\n")
    with token_server(TOKENS, "vllm") as server:
        config = write_config(tmp_path, server.url)
        config.write_text(config.read_text().replace("connect_s: 5", "kind: vllm, api_key_file: key"))
        status, _, err = pairs("--upstream", "main", "--config", config)
        assert status == 0, err
        assert {headers["authorization"] for _, headers, _ in server.asked} == {"Bearer sk-up"}
    assert "sk-up" not in err + (tmp_path / "table.json.tokens").read_text()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--upstream", "main"], 2, "no settings: no such file"),
        (["--upstream", "ftp://x"], 2, "--upstream: expected an address like"),
        (["--tokenizer", "/absent/tokenizer.json"], 1, "/absent/tokenizer.json: No such file"),
    ],
)
def test_wrong_usage(pairs, words, status, says):
    found, output, err = pairs(*words)
    assert (found, output.exists()) == (status, False)
    assert says in err


def test_upstreams_that_cannot_be_asked(pairs, tmp_path):
    config = write_config(tmp_path)
    assert "no upstream other" in pairs("--upstream", "other", "--config", config)[2]
    config.write_text(config.read_text().replace("connect_s: 5", "kind: openai"))
    status, _, err = pairs("--upstream", "main", "--config", config)
    assert (status, "kind openai cannot be asked for tokens: give --tokenizer" in err) == (1, True)


def test_a_table_is_never_replaced(pairs, tmp_path):
    (tmp_path / "table.json").write_text("mine")
    status, output, err = pairs("--upstream", "http://127.0.0.1:9")
    assert (status, output.read_text(), "a table in use is never changed" in err) == (2, "mine", True)


def test_samples_in_jsonl(pairs, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"id": n, "body": TEXT}) + "\n\n" for n in range(20)))
    with token_server(TOKENS) as server:
        status, output, _ = pairs("--upstream", server.url, "--field", "body", samples=[path])
        assert (status, words_of(output)) == (0, set(WORDS))
        output.unlink()
        status, _, err = pairs("--upstream", server.url, samples=[path])
        assert (status, f"{path}:1: expected an object with text under 'text': see --field" in err) == (1, True)
        path.write_text('{"text": "a"}\n{"text": \n')
        assert f"{path}:2: not a line of JSON" in pairs("--upstream", server.url, samples=[path])[2]
        assert "No such file" in pairs("--upstream", server.url, samples=[tmp_path / "absent"])[2]


def test_pairs_are_counted(pairs):
    with token_server(TOKENS) as server:
        _, output, _ = pairs("--upstream", server.url, "--pairs", "2")
    assert len(read_table(output).pairs) == 2
    for count in ("0", "1025", "-1", "x"):
        with pytest.raises(SystemExit):
            pairs("--upstream", "http://127.0.0.1:9", "--pairs", count)


@pytest.fixture
def tokenizer_file(tmp_path):
    """A byte-level BPE tokenizer, trained on the sample: "cat" behind a space is another token than at the start."""
    if find_spec("tokenizers") is None:
        missing("needs tokenizers: see requirements/watermark.txt")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, show_progress=False, special_tokens=["<bos>"])
    tokenizer.train_from_iterator([TEXT] * 20, trainer)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def test_a_tokenizer_file(pairs, tokenizer_file, tmp_path):
    from tokenizers import Tokenizer

    status, output, err = pairs("--tokenizer", tokenizer_file)
    assert (status, words_of(output)) == (0, set(WORDS)), err
    known = Tokenizer.from_file(str(tokenizer_file))
    for pair in read_table(output).pairs:
        assert known.decode([pair.first_token]) == f" {pair.first}"
        assert known.id_to_token(pair.second_token) == f"Ġ{pair.second}"
    assert "all tokens came back" in err
    assert "sha256:" in (tmp_path / "table.json.tokens").read_text().splitlines()[0]


def test_a_file_that_is_no_tokenizer(pairs, tmp_path):
    if find_spec("tokenizers") is None:
        missing("needs tokenizers: see requirements/watermark.txt")
    (tmp_path / "tokenizer.json").write_text("{}")
    status, _, err = pairs("--tokenizer", tmp_path / "tokenizer.json")
    assert (status, "expected a tokenizer.json" in err) == (1, True)


def test_without_the_package_its_extra_is_named(pairs, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    status, _, err = pairs("--tokenizer", tmp_path / "tokenizer.json")
    assert (status, "excise-gateway[watermark]" in err) == (1, True)
