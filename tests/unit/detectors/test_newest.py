"""The bounded table of states."""

import pytest

from gateway.detectors.newest import Newest


def test_the_least_recently_used_makes_room():
    table = Newest(list, 2)
    table.of("a").append(1)
    table.of("b").append(2)
    assert table.of("a") == [1]
    table.of("c")
    assert len(table) == 2
    assert table.of("a") == [1], "used again, so it stayed"
    assert table.of("b") == [], "it had made room and starts anew"


def test_there_is_room_for_one_at_least():
    with pytest.raises(ValueError, match="at least 1"):
        Newest(list, 0)
