"""The one object that holds what a caller wrote."""

from dataclasses import fields

from gateway.core.ask import Ask


def test_no_representation_shows_what_callers_wrote():
    ask = Ask({"messages": "secret"}, "m", False, 6, last_user_text="secret", for_kind={"vllm": {"seed": "secret"}})
    assert "secret" not in repr(ask)
    assert "secret" not in f"{ask} {[ask]}"
    assert "model='m'" in repr(ask)


def test_what_the_caller_wrote_is_let_go_and_never_shown():
    secret = {"role": "user", "content": "my secret"}
    ask = Ask(
        {"model": "m", "messages": [secret]},
        "m",
        stream=False,
        prompt_bytes=9,
        last_user_text="my secret",
        others=[(0, secret)],
        tools_read=["my secret"],
        tools_written=b'["my secret"]',
    )
    assert "secret" not in repr(ask)
    ask.let_go()
    assert "secret" not in str([getattr(ask, member.name) for member in fields(ask)])
    assert ask.prompt_bytes == 9
