"""The one object that holds what a caller wrote."""

from gateway.core.ask import Ask


def test_no_representation_shows_what_callers_wrote():
    ask = Ask({"messages": "secret"}, "m", False, 6, last_user_text="secret", for_kind={"vllm": {"seed": "secret"}})
    assert "secret" not in repr(ask)
    assert "secret" not in f"{ask} {[ask]}"
    assert "model='m'" in repr(ask)
