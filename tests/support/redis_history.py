"""What the script must do about the history of budgets that a random walk does not reach. See redis_scenarios.py."""

from dataclasses import replace

from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period
from gateway.stores.base import Mismatch
from gateway.stores.redis.calls import slot_tag

T0 = 1_800_000_000_000
DAY = 86_400_000
MONEY = BudgetSpec("usd", Unit.USD, 1000, Period.DAY)
LABEL = "2027-01-15"


def usd(amount):
    return {Unit.USD: amount}


def key(ledger, name):
    return b"gw1:{%b}:%b" % (slot_tag(ledger.home), name)


def spend(ledger, name, amount, now=T0, spec=MONEY):
    ledger.reserve(name, (spec,), usd(amount), {}, 9000, now)
    ledger.settle(name, usd(amount), now)


def a_charge_has_one_entry_and_nothing_has_none(ledger):
    spend(ledger, "a", 10)
    spend(ledger, "nothing", 0)
    ledger.reserve("open", (MONEY,), usd(5), {}, 9000, T0)
    report = ledger.verify()
    assert (report.counters, report.entries, report.mismatches) == (1, 1, ())
    assert ledger.server.say("XLEN", key(ledger, b"l")) == 1
    assert ledger.server.say("TTL", key(ledger, b"l")) > 93 * 86_400


def what_history_does_not_explain_is_named(ledger):
    spend(ledger, "a", 10)
    ledger.server.say("XADD", key(ledger, b"l"), "*", "", "forged", f"usd\0{LABEL}", "7")
    assert ledger.verify().mismatches == (Mismatch("usd", LABEL, 10, 17),)


def a_late_settle_and_an_expiry_are_entries_too(ledger):
    ledger.reserve("late", (MONEY,), usd(30), {}, 10, T0)
    ledger.renew([], 1, T0 + 10)
    ledger.settle("late", usd(12), T0 + 20)
    report = ledger.verify()
    assert (report.entries, report.mismatches) == (2, ())


def a_period_that_is_kept_nowhere_has_no_entries(ledger):
    ledger.reserve("a", (MONEY,), {}, {}, 9 * DAY, T0)
    ledger.sweep_all(T0 + 3 * DAY)
    ledger.settle("a", usd(1), T0 + 3 * DAY)
    assert ledger.verify().entries == 0


def a_period_that_is_forgotten_takes_its_sum_along(ledger):
    spend(ledger, "a", 10)
    spend(ledger, "today", 1, T0 + 3 * DAY)
    ledger.sweep_all(T0 + 3 * DAY)
    ledger.server.say("EVAL", FORGED_ROW, "1", key(ledger, b"s"), LABEL)
    assert ledger.verify().mismatches == (), "the day that comes back with nothing is explained by nothing"


FORGED_ROW = """
local place = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'usd'))
place[4][#place[4] + 1] = {ARGV[1], 1, 2, 0, 0}
redis.call('HSET', KEYS[1], 'usd', cmsgpack.pack(place))
"""


def what_a_budget_starts_with_is_an_entry(ledger):
    audited = replace(MONEY, shadow=True)
    spend(ledger, "audited", 40, spec=audited)
    ledger.reserve("promoted", (MONEY,), usd(0), {}, 9000, T0)
    assert ledger.verify().mismatches == ()
    assert ledger.peek((MONEY,), T0)[0].remaining == 960


ENTRIES = """
for i = 1, ARGV[2] do redis.call('XADD', KEYS[1], '*', '', 'r' .. i, ARGV[1], i % 2 * 2 - 1) end
"""


def old_entries_are_summed_up_a_bounded_number_at_a_time(ledger):
    """Those of `gone` cancel out: a sum of nothing is not kept."""
    stream, sums = key(ledger, b"l"), key(ledger, b"c")
    ledger.server.say("HSET", sums, "gone", "5")
    ledger.server.say("XADD", stream, "*", "", "before", "gone", "-5")
    spend(ledger, "first", 10)
    ledger.server.say("EVAL", ENTRIES, "1", stream, f"usd\0{LABEL}", "10497")
    ledger.renew([], 1, T0)
    assert ledger.server.say("XLEN", stream) == 10_499
    assert ledger.server.say("HGETALL", sums) == [b"gone", b"5"]
    ledger.server.say("XADD", stream, "*", "", "last", f"usd\0{LABEL}", "-1")
    ledger.renew([], 1, T0)
    assert ledger.server.say("XLEN", stream) == 10_000
    assert ledger.server.say("HGETALL", sums) == [b"usd\0" + LABEL.encode(), b"10"]
    assert ledger.server.say("TTL", sums) > 93 * 86_400
    assert ledger.verify().mismatches == ()


SCENARIOS = (
    a_charge_has_one_entry_and_nothing_has_none,
    what_history_does_not_explain_is_named,
    a_late_settle_and_an_expiry_are_entries_too,
    a_period_that_is_kept_nowhere_has_no_entries,
    a_period_that_is_forgotten_takes_its_sum_along,
    what_a_budget_starts_with_is_an_entry,
    old_entries_are_summed_up_a_bounded_number_at_a_time,
)
