"""Limits shaped like extraction, over real sockets: what is asked again is free, in every dialect and spelling."""

import json

import pytest

from tests.support.running import running
from tests.support.talking import STREAMED, ask, code, policy, usage

PROMPTS = "new: {unit: distinct_prompts, per: account, amount: 3, window: 7d}"
UNIQUE = "fresh: {unit: unique_output_tokens, per: account, amount: 60, window: 7d}"
LOGPROBS = "peeks: {unit: logprob_requests, per: account, amount: 2, window: 1d}"


def said(dialect, text):
    """The members of a request in which the caller says `text`."""
    if dialect == "completions":
        return {"prompt": text}
    if dialect == "responses":
        return {"input": text}
    return {"messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("dialect", STREAMED)
def test_the_fourth_question_of_a_week_is_refused_and_an_old_one_is_not(tmp_path, dialect):
    with running(tmp_path, policies=policy(PROMPTS)) as gateway:
        for text in ("one", "two", "three", "ＯＮＥ", " two ", "th\u200bree"):
            assert ask(gateway, dialect, **said(dialect, text)).status == 200
        refused = ask(gateway, dialect, **said(dialect, "four"))
        assert refused.status == 429
        assert refused.header("x-should-retry") == "false"
        assert "3 distinct prompts" in refused.json()["error"]["message"]
        assert ask(gateway, dialect, **said(dialect, "One")).status == 200
        assert ask(gateway, "embeddings").status == 200, "nothing is asked of a model that writes nothing"
        limit = usage(gateway)["new"]
        assert (limit["unit"], limit["used"], limit["remaining"]) == ("distinct_prompts", 3, 0)
        records = [record.as_dict() for record in gateway.records()]
        counted = [(one["status"], one["limits"][0]["reserved"]) for one in records if one["route"] == dialect]
        assert sorted(counted) == [(200, 1)] * 7 + [(429, 0)]
        assert "three" not in json.dumps(records)


def test_only_the_last_turn_is_the_question(tmp_path):
    with running(tmp_path, policies=policy(PROMPTS.replace("3", "1"))) as gateway:
        talk = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
        assert ask(gateway, messages=[*talk, {"role": "user", "content": "why?"}]).status == 200
        assert ask(gateway, messages=[{"role": "user", "content": "why?"}]).status == 200
        assert ask(gateway, messages=talk[:1]).status == 429


def test_output_of_new_questions_is_bounded_and_repeats_are_free(tmp_path):
    with running(tmp_path, policies=policy(UNIQUE)) as gateway:
        first = ask(gateway, max_tokens=40, **said("chat", "one"))
        assert first.status == 200
        gateway.settled()
        assert ask(gateway, max_tokens=60, **said("chat", "one")).status == 200
        gateway.settled()
        assert ask(gateway, max_tokens=60, **said("chat", "two")).status == 429
        assert code(ask(gateway, max_tokens=61, **said("chat", "two"))) == "request_exceeds_limit"


def test_an_answer_broken_off_leaves_the_rest_of_its_output_to_be_charged(tmp_path):
    with running(tmp_path, policies=policy(UNIQUE)) as gateway:
        assert ask(gateway, max_tokens=1, **said("chat", "one")).status == 200
        gateway.settled()
        assert usage(gateway)["fresh"]["used"] == 1
        whole = ask(gateway, max_tokens=40, **said("chat", "one"))
        gateway.settled()
        written = whole.json()["usage"]["completion_tokens"]
        assert usage(gateway)["fresh"]["used"] == written > 1
        assert ask(gateway, max_tokens=written, **said("chat", "one")).status == 200
        gateway.settled()
        assert usage(gateway)["fresh"]["used"] == written
        assert ask(gateway, max_tokens=60, **said("chat", "two")).status == 429


def test_log_probabilities_are_counted_by_request(tmp_path):
    with running(tmp_path, policies=policy(LOGPROBS)) as gateway:
        for _ in range(2):
            assert ask(gateway, logprobs=True).status == 200
            gateway.settled()
        assert ask(gateway, logprobs=True).status == 429
        assert ask(gateway).status == 200


def test_several_prompts_in_one_request_are_not_one_question(tmp_path):
    with running(tmp_path, policies=policy(PROMPTS)) as gateway:
        refused = ask(gateway, "completions", prompt=["one", "two"])
        assert (refused.status, code(refused)) == (400, "unsupported_field")
        assert ask(gateway, "completions", prompt=["one"]).status == 200
    with running(tmp_path / "watched", policies=policy(PROMPTS, mode="audit")) as gateway:
        assert ask(gateway, "completions", prompt=["one", "two"]).status == 200


def test_what_cannot_be_known_again_counts_as_new(tmp_path):
    with running(tmp_path, policies=policy(PROMPTS)) as gateway:
        statuses = [ask(gateway, "completions", prompt=[1, 2, 3]).status for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


def test_tool_results_are_no_new_question(tmp_path):
    with running(tmp_path, policies=policy(PROMPTS.replace("3", "1"))) as gateway:
        talk = [{"role": "user", "content": "book a room"}]
        for number in range(3):
            assert ask(gateway, "messages", messages=talk).status == 200
            use = {"type": "tool_use", "id": f"t{number}", "name": "look", "input": {}}
            result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": f"room {number}"}
            talk += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
