"""Who is not clear: one object for each account while nothing changes, an end by itself, a refusal that says how."""

from gateway.core import reasons
from gateway.core.account import Account
from gateway.core.refusal import Refusal
from gateway.identity.authenticate import authenticate, claim
from gateway.identity.standings import Standings
from tests.support.books import ruling
from tests.support.people import NOW, directory, key

ADA = Account("ada", "ada", "free")
END = NOW + 60_000


def standings(standing: str = "limited", account: str = "ada", appeal: str = "") -> Standings:
    made = Standings(appeal)
    made.put(account, ruling(standing))
    return made


def test_who_was_never_spoken_of_is_clear():
    empty = Standings()
    assert empty.of(ADA) is ADA
    assert (ADA.standing_at(0), ADA.standing_at(NOW)) == ("clear", "clear")
    assert empty.standing("ada", NOW) == "clear"


def test_a_standing_is_over_at_its_end_whoever_asks():
    made = standings()
    account = made.of(ADA)
    assert [account.standing_at(at) for at in (0, END - 1, END, END + 1)] == ["limited", "limited", "clear", "clear"]
    assert [made.standing("ada", at) for at in (END - 1, END)] == ["limited", "clear"]
    assert account.standing_until_ms == END


def test_it_is_the_same_object_until_something_changes():
    made = standings()
    first = made.of(ADA)
    again = Account("ada", "ada", "free")
    assert made.of(ADA) is made.of(again) is first, "two keys of one account have a record each"
    other = made.of(Account("ada", "ada", "paid"))
    assert (other.tier, other.standing) == ("paid", "limited")
    made.put("ada", ruling("watched"))
    assert made.of(ADA).standing == "watched"
    made.put("ada", ruling("clear", until_ms=0))
    assert made.of(ADA) is ADA


def test_what_has_run_out_is_forgotten_and_nothing_else():
    made = standings()
    made.put("bob", ruling("blocked", until_ms=END + 1))
    made.put("ada", ruling("blocked", until_ms=END + 2))
    made.sweep(END)
    assert (len(made), made.standing("ada", END)) == (2, "blocked"), "the earlier end of ada is of no meaning now"
    made.sweep(END + 1)
    assert (len(made), made.of(ADA).standing) == (1, "blocked")
    made.sweep(END + 2)
    assert len(made) == 0
    assert made.of(ADA) is ADA


def test_ruling_again_and_again_does_not_grow_it():
    made = Standings()
    for number in range(10_000):
        made.put("ada", ruling("watched", until_ms=END + number))
    assert len(made._ends) < 100
    made.sweep(END + 9_999)
    assert len(made) == 0


def test_they_are_counted_without_those_that_are_counted_elsewhere():
    made = standings()
    made.put("bob", ruling("limited"))
    made.put("eve", ruling("blocked"))
    assert made.counts() == {"limited": 2, "blocked": 1}
    assert +made.counts(but_not=["eve", "nobody", "ada"]) == {"limited": 1}


def caller(made: Standings, now_ms: int = NOW, name: str = "good"):
    return authenticate(claim(None, key(name)), directory(), now_ms, None, made)


def test_a_blocked_account_of_the_file_is_refused_and_told_how_to_appeal():
    refusal = caller(standings("blocked", "acme-prod", "trust@example.com"))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reasons.ACCOUNT_SUSPENDED
    until = "2027-01-15T08:01:00.000Z"
    assert refusal.message == f"the account is blocked until {until} (to appeal: trust@example.com)"
    assert refusal.details == {"standing": "blocked", "until": until, "appeal": "trust@example.com"}
    assert "why" not in refusal.message, "the reason is for operators"
    unnamed = caller(standings("blocked", "acme-prod"))
    assert (unnamed.message, unnamed.details) == (
        f"the account is blocked until {until}", {"standing": "blocked", "until": until},
    )  # fmt: skip


def test_a_block_ends_by_itself():
    made = standings("blocked", "acme-prod")
    assert isinstance(caller(made, END - 1), Refusal)
    assert caller(made, END).account.id == "acme-prod"


def test_the_other_standings_are_for_policies():
    for standing in ("watched", "limited"):
        account = caller(standings(standing, "acme-prod")).account
        assert (account.standing_at(NOW), account.tier) == (standing, "developer")


def test_who_has_no_key_learns_nothing_of_the_account():
    made = standings("blocked", "acme-prod", "trust@example.com")
    wrong = authenticate(claim(None, key("good", "T" * 27)), directory(), NOW, None, made)
    assert wrong.reason is reasons.INVALID_API_KEY
    assert caller(made, name="gone").reason is reasons.INVALID_API_KEY
