"""What policies propose is a short list for people: bounded, newest first, and gone when somebody has decided."""

from gateway.policy.proposals import MOST_ACCOUNTS, MOST_RULES, Proposals


def test_repeated_proposals_are_one_with_a_count():
    made = Proposals()
    made.note("ada", "extraction", "other", 5)
    for at in (10, 20, 15):
        made.note("ada", "extraction", "many-prompts", at)
    made.note("bob", "resale", "spread", 40)
    assert [(one.account, one.policy, one.rule, one.count, one.first_ms, one.last_ms) for one in made.newest()] == [
        ("bob", "resale", "spread", 1, 40, 40),
        ("ada", "extraction", "many-prompts", 3, 10, 15),
        ("ada", "extraction", "other", 1, 5, 5),
    ]


def test_the_rule_that_proposed_last_comes_first():
    made = Proposals()
    for rule in ("one", "other", "one"):
        made.note("ada", "extraction", rule, 10)
    assert [(one.rule, one.count) for one in made.newest()] == [("one", 2), ("other", 1)]


def test_the_newest_accounts_are_kept():
    made = Proposals()
    for number in range(MOST_ACCOUNTS):
        made.note(f"a{number}", "p", "r", number)
    made.note("a0", "p", "r", 5000)
    made.note("late", "p", "r", 5001)
    kept = [one.account for one in made.newest()]
    assert (len(kept), kept[:2], "a1" in kept) == (MOST_ACCOUNTS, ["late", "a0"], False)


def test_one_account_has_so_many_rules():
    made = Proposals()
    for number in range(MOST_RULES + 1):
        made.note("ada", "p", f"r{number}", number)
    assert [one.rule for one in made.newest()] == [f"r{number}" for number in range(MOST_RULES, 0, -1)]


def test_what_was_decided_is_gone_and_may_come_again():
    made = Proposals()
    made.note("ada", "p", "r", 1)
    made.note("bob", "p", "r", 1)
    made.decided("ada")
    made.decided("nobody")
    assert [one.account for one in made.newest()] == ["bob"]
    made.note("ada", "p", "r", 9)
    again = made.newest()[0]
    assert (again.account, again.count, again.first_ms) == ("ada", 1, 9)
