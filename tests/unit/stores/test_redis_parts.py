"""The pieces of the Redis client that need no Redis."""

import asyncio

import pytest

from gateway.core.redis_target import Target, is_redis, parse
from gateway.core.units import Unit, prompt_amount
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.engine.verdict import Reading, Verdict
from gateway.stores.redis import answers
from gateway.stores.redis.breaker import FAILURES, PAUSE_S, Breaker
from gateway.stores.redis.calls import UNIT_CODES, Calls, slot_tag
from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.groups import Groups, joined
from gateway.stores.redis.link import MAX_WAITING, Full, Link, Lost
from gateway.stores.redis.open_reservations import Opened, OpenReservations
from gateway.stores.redis.resp import ProtocolBroken, Reader, Refused, command
from gateway.stores.redis.script import KEYS, text, with_numbers
from gateway.stores.redis.servers import redirected, slot_of
from gateway.stores.redis.undelivered import MAX_BYTES, Settlement, Undelivered

RATE = RateSpec("k", Unit.TOTAL_TOKENS, 60, 60, 100, home="acme")
STREAM = b"+OK\r\n:-7\r\n$5\r\na\r\nb\0\r\n$-1\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n*-1\r\n-NOSCRIPT no such script\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_replies_are_read_however_they_are_cut(size):
    reader, replies = Reader(), []
    for at in range(0, len(STREAM), size):
        replies += reader.feed(STREAM[at : at + size])
    *good, refused = replies
    assert good == [b"OK", -7, b"a\r\nb\0", None, [[1], b""], None]
    assert isinstance(refused, Refused)
    assert (refused.code, refused.rest) == ("NOSCRIPT", "no such script")


@pytest.mark.parametrize("data", [b"HTTP/1.1 200 OK\r\n", b"$x\r\n", b":\r\n", b"$999999999999\r\n"])
def test_what_is_not_the_protocol_is_refused(data):
    with pytest.raises(ProtocolBroken):
        Reader().feed(data)


def test_a_command_is_an_array_of_bulk_strings():
    assert command("GET", b"\0") == b"*2\r\n$3\r\nGET\r\n$1\r\n\0\r\n"


@pytest.mark.parametrize(("url", "target"), [
    ("redis://db", Target("single", (("db", 6379),))),
    ("rediss://us%40er@db:7000/3", Target("single", (("db", 7000),), True, "us@er", 3)),
    ("redis://[::1]:7000", Target("single", (("::1", 7000),))),
    ("redis+sentinel://a,b:1/main/2", Target("sentinel", (("a", 26379), ("b", 1)), db=2, service="main")),
    ("rediss+cluster://a:1,[::2]", Target("cluster", (("a", 1), ("::2", 6379)), True)),
])  # fmt: skip
def test_a_url_names_a_target(url, target):
    assert is_redis(url)
    assert parse(url) == target


@pytest.mark.parametrize("url", [
    "redis:db", "redis://", "redis://a,b", "redis://db:0", "redis://db:99999", "redis://db:x", "redis://db/x",
    "redis://:hunter2@db", "redis://u:hunter2@db", "redis://@db", "redis://db?hunter2=1", "redis://[::1", "redis://a b",
    "redis+sentinel://a", "redis+sentinel://a/", "redis+cluster://a/1", "redis://db/-1", "redis://[::1]x", "x://db",
])  # fmt: skip
def test_any_other_url_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match=r"store|password|port|cluster") as caught:
        parse(url)
    assert "hunter2" not in str(caught.value)


def test_a_target_shows_no_user():
    target = parse("rediss+cluster://ann@[::1]:1,b")
    assert str(target) == "rediss+cluster://[::1]:1,b:6379"
    assert "ann" not in repr(target)
    assert "hunter2" not in repr(Dial(password=lambda: "hunter2"))


def test_a_hash_slot_is_that_of_the_specification():
    assert slot_of(b"123456789") == 0x31C3 % 16384
    assert slot_of(b"user1000") == 3443


@pytest.mark.parametrize(("home", "tag"), [("acme", b"acme"), ("", b"%"), ("a{b}%", b"a%7Bb%7D%25"), ("a\0", b"a%00")])
def test_no_brace_of_a_home_ends_its_hash_tag(home, tag):
    assert slot_tag(home) == tag


def test_units_are_called_by_one_letter_each():
    assert set(UNIT_CODES) == set(Unit)
    assert len(set(UNIT_CODES.values())) == len(UNIT_CODES)


def test_a_call_is_one_whole_command():
    calls = Calls()
    specs = (
        RATE,
        BudgetSpec("b", Unit.USD, 5, Period.DAY),
        SlotSpec("s", 3),
        DistinctSpec("d", Unit.DISTINCT_PROMPTS, 3, 60),
    )
    amounts = {Unit.TOTAL_TOKENS: 7, Unit.USD: 1 << 60, Unit.DISTINCT_PROMPTS: prompt_amount(1 << 63)}
    for payload in (
        calls.reserve("acme", "é", specs, amounts, {Unit.TOTAL_TOKENS: 3}, 9, 1000, None, 2),
        calls.peek("acme", specs, 1000, 5),
        calls.top_up("acme", "r", 1, {Unit.USD: 3}, None),
        calls.settle("acme", "r", amounts, None),
        calls.cancel("acme", "r", None, bar=True),
        calls.renew("acme", ["a", "b"], 9, None, 2),
        calls.held(b"acme", 3),
    ):
        words = Reader().feed(payload)
        assert len(words) == 1
        assert words[0][:4] == [b"EVALSHA", words[0][1], str(len(KEYS)).encode(), b"gw1:{acme}:s"]
    with pytest.raises(ValueError, match="NUL"):
        calls.peek("acme", (SlotSpec("a\0b", 3),), 1000, 5)


@pytest.mark.parametrize("reply", [None, 3, b"", b"verdict 1", b"verdict x 1 1 0 - 1", b"verdict 1 1 1 0 z:1 1"])
def test_another_answer_is_misread(reply):
    with pytest.raises(answers.Misread):
        answers.read(reply)


def test_an_answer_about_other_limits_is_misread():
    with pytest.raises(answers.Misread):
        answers.verdict(answers.read(b"verdict 1 1 1000 0 - 1 5 0 0"), (RATE, RATE))


def test_events_come_with_the_answer():
    answer = answers.read(b"done 9 0 1000 2 t:5,r:1")
    assert (answer.expired, answer.clamped) == (2, [(Unit.TOTAL_TOKENS, 5), (Unit.REQUESTS, 1)])


def test_named_numbers_are_written_into_the_script():
    assert (
        with_numbers("-- NOTE\nlocal A_B, CD = 1, 22 -- why\nreturn x[A_B] + CD + EFG\n") == "return x[1] + 22 + EFG\n"
    )
    with pytest.raises(ValueError, match="two meanings"):
        with_numbers("local AB = 1\nlocal AB = 2\n")
    assert b"SETTLED_MS" not in text()


def test_a_breaker_opens_after_some_failures_and_then_lets_one_try():
    now = 0.0
    breaker = Breaker(lambda: now)
    for _ in range(FAILURES):
        assert breaker.allow()
        breaker.failed()
    assert not breaker.allow()
    now += PAUSE_S
    assert breaker.allow()
    assert not breaker.allow(), "the others wait for the one that tries"
    breaker.succeeded()
    assert breaker.allow()


def test_limits_are_grouped_by_home_and_put_together_again():
    other = SlotSpec("k", 3, home="Zeta")
    specs = (RATE, other, SlotSpec("s", 3, home="acme", shadow=True))
    groups = Groups()
    zeta, acme = groups.of(specs)
    assert groups.of(specs)[0] is zeta
    assert (zeta.at, acme.at) == ((1,), (0, 2))
    verdict = joined(
        [
            Verdict(True, (Reading(other, 1, 0, 0),)),
            Verdict(False, (Reading(RATE, 2, 0, 7), Reading(specs[2], 3, 0, 1))),
        ],
        (zeta, acme),
    )
    assert [reading.remaining for reading in verdict.readings] == [2, 1, 3]
    assert (verdict.granted, verdict.failing, verdict.shadow_failing) == (False, (0,), (2,))
    with pytest.raises(ValueError, match="share a key"):
        groups.of((RATE, RATE))


def test_settlements_survive_in_the_file_until_they_are_delivered(tmp_path):
    path = tmp_path / "undelivered"
    some = [Settlement("acme", f"r{i}", {Unit.USD: i}) for i in range(3)]
    first = Undelivered(path)
    assert first.load() == []
    assert first.add(some)
    with path.open("ab") as file:
        file.write(b'not json\n["acme","x",{"usd":')  # the process died while it wrote
    again = Undelivered(path)
    assert again.load() == some
    again.clear()
    assert path.read_bytes() == b""
    assert Undelivered(None).add(some) is False
    assert Undelivered(tmp_path / "absent" / "file").add(some) is False


def test_the_file_of_settlements_is_bounded(tmp_path):
    file = Undelivered(tmp_path / "undelivered")
    huge = [Settlement("acme" * 1000, str(i)) for i in range(MAX_BYTES // 4096)]
    assert file.add(huge)
    assert not file.add(huge)
    assert (tmp_path / "undelivered").stat().st_size < MAX_BYTES


def test_reservations_are_known_until_nothing_can_correct_them():
    known = OpenReservations()
    known.add("a", [Opened("acme", (RATE,), 1000)])
    assert known.renewed(["a", "b"], 5000) == {"acme": ["a"]}
    assert known.overdue(4999) == set()
    assert known.overdue(5000) == {"acme"}
    assert known.overdue(5000 + 3_600_000) == {"acme"}
    assert known.get("a") == []


@pytest.mark.parametrize("rest", ["", "12", "x 1.2.3.4:5", "12 1.2.3.4:x"])
def test_a_redirection_that_cannot_be_read_loses_the_connection(rest):
    with pytest.raises(Lost):
        redirected(Refused(f"MOVED {rest}"))
    assert redirected(Refused("ASK 12 ::1:7000")) == (12, ("::1", 7000))


def test_a_link_waits_for_so_many_replies_and_no_more():
    async def body():
        link = Link(10)
        futures = [link.send(b"x") for _ in range(MAX_WAITING)]
        with pytest.raises(Full):
            link.send(b"x")
        link.close()
        assert all(isinstance(future.exception(), Lost) for future in futures)
        assert isinstance(link.send(b"x").exception(), Lost)

    asyncio.run(body())


def test_a_link_that_hears_what_it_never_asked_is_closed():
    async def body():
        for data in (b"+OK\r\n", b"HTTP/1.1 400\r\n"):
            link = Link(10)
            link.data_received(data)
            assert link.lost is not None

    asyncio.run(body())
