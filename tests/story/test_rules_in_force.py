"""What is in force in a running gateway: switches, standings, exceptions, usage; and reloads, good and bad."""

import threading
from contextlib import ExitStack

import pytest

from gateway.identity.entries import moment_text
from tests.support.administering import done
from tests.support.ruled import Scene, rules
from tests.support.talking import ask, code, get, many, policy, stopped

NOW_MS = 1_800_000_000_000
"""2027-01-15T08:00:00Z, the beginning of `stopped`."""
DENY = policy(name="ladder", more=rules(deny="deny"))


class Dated(Scene):
    """With a clock of the test's own, and its folder."""

    def __init__(self, stack, folder, policies, **more):
        self.clock = stopped(NOW_MS)
        self.folder = folder
        super().__init__(stack, folder, policies, clock=self.clock, **more)

    def admin(self, method, path, body=None):
        return done(self.gateway, method, path, body)

    def soon(self, seconds=3600):
        return moment_text(self.clock.now_ms() + seconds * 1000)

    def reload(self):
        return self.gateway.call(self.gateway.runtime.reload())

    def write(self, name, text):
        (self.folder / "policies" / name).write_text(text)


@pytest.fixture
def made(tmp_path):
    with ExitStack() as stack:
        yield lambda policies, **more: Dated(stack, tmp_path, policies, **more)


# switches


@pytest.mark.parametrize("switch", ["ladder", "all"])
def test_a_switch_ends_rules_at_once_outlives_a_reload_and_is_lifted(made, switch):
    scene = made(DENY)
    assert scene.ask(want="deny").status == 403
    scene.admin("PUT", f"switches/{switch}", {"reason": "case 71", "until": scene.soon()})
    assert (scene.ask(want="deny").status, scene.findings) == (200, [])
    scene.write("ladder.yaml", DENY["ladder"].replace("Ladder", "Stairs"))
    assert scene.reload() == []
    assert scene.ask(want="deny").status == 200
    scene.admin("DELETE", f"switches/{switch}")
    answer = scene.ask(want="deny")
    assert (answer.status, "policy 'Stairs'" in answer.json()["error"]["message"]) == (403, True)


def test_a_switch_runs_out_by_itself(made):
    scene = made(DENY)
    scene.admin("PUT", "switches/ladder", {"reason": "case 71", "until": scene.soon(60)})
    assert scene.ask(want="deny").status == 200
    scene.clock.advance(61)
    assert scene.ask(want="deny").status == 403


# whom


def test_a_standing_counts_from_the_next_request_to_its_end(made):
    watched = "rules: {watched: {when: {standing: [watched, limited]}, then: {tag: watched}}}\n"
    scene = made(policy(name="standing", more=watched))
    assert scene.ask().status == 200
    assert scene.record.tags == ()
    ruling = {"standing": "watched", "reason": "case 71", "until": scene.soon(60)}
    scene.admin("PUT", "accounts/acme/standing", ruling)
    scene.ask()
    assert scene.record.tags == ("watched",)
    scene.ask(key=scene.gateway.keys["ada"])
    assert scene.record.tags == ()
    scene.clock.advance(61)
    scene.ask()
    assert scene.record.tags == ()


def test_an_exception_ends_when_it_said(made):
    exception = "exceptions: [{account: acme, reason: trial, owner: x, until: '2027-01-15T08:01:00Z'}]\n"
    scene = made(policy(name="ladder", more=rules(deny="deny") + exception))
    assert scene.ask(want="deny").status == 200
    assert scene.ask(want="deny", key=scene.gateway.keys["ada"]).status == 403
    scene.clock.advance(61)
    assert scene.ask(want="deny").status == 403


def test_usage_is_what_the_last_reserve_said(made):
    half = "rules: {half: {when: {usage: {limit: day/requests, at_least: 0.5}}, then: {tag: half}}}\n"
    scene = made(policy("requests: {unit: requests, per: account, amount: 4, window: 1d}", name="day", more=half))
    seen = []
    for _ in range(4):
        assert scene.ask().status == 200
        seen.append(([found[1] for found in scene.findings], scene.record.tags))
    assert seen == [(["not_evaluated"], ()), ([], ()), (["tag"], ("half",)), (["tag"], ("half",))]
    assert code(scene.ask()) == "rate_limit_exceeded"
    assert scene.record.tags == ("half",)
    scene.ask(key=scene.gateway.keys["ada"])
    assert scene.findings[0][1] == "not_evaluated", "another account"


def test_a_share_acts_on_the_account_that_reached_it(made):
    share = "rules: {often: {when: {headers: {want: often}}, then: deny, share: {at_least: 0.5, calls: 50}}}\n"
    scene = made(policy(name="ladder", more=share))
    for _ in range(49):
        scene.ask(want="often")
        assert scene.findings == [("often", "count", "enforce", "condition_met")]
    assert code(scene.ask(want="often")) == "policy_denied"
    assert scene.findings == [("often", "deny", "enforce", "policy_denied")]
    assert code(scene.ask()) == "policy_denied", "every request of the account"
    assert scene.ask(want="often", key=scene.gateway.keys["ada"]).status == 200


# reloads

USES = {
    **policy(name="ladder", more="rules: {deny: {when: {use: wanted}, then: deny}}\n"),
    **policy(name="words", more="rules: {w: {when: {text: {words: secret}}, then: deny, per_request: true}}\n"),
}
SETS = (("First", "one"), ("Second", "two"))
DEFINITIONS = "version: 1\nfragments: {wanted: {headers: {want: '%s'}}}\nwords: {secret: [%s]}\n"


def told(scene):
    """The revision in force, the same wherever it stands, and whether the last reload worked."""
    ready = get(scene.gateway.gateway.ops_port, "/readyz")
    metrics = get(scene.gateway.gateway.ops_port, "/metrics").body.decode()
    [info] = [line for line in metrics.splitlines() if line.startswith("gateway_policy_info{")]
    [last] = [line for line in metrics.splitlines() if line.startswith("gateway_policy_last_reload_successful ")]
    revision = scene.admin("GET", "policies")["revision"]
    assert info == f'gateway_policy_info{{revision="{revision}"}} 1.0'
    assert (ready.body, ready.header("x-gateway-revision")) == (b"ready\n", revision)
    scene.ask()
    assert scene.record.revision == revision
    return revision, last.split()[1] == "1.0"


@pytest.fixture
def shared(made, tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "definitions.yaml").write_text(DEFINITIONS % ("one", "sesame"))
    return made(USES)


def text(word):
    return {"messages": [{"role": "user", "content": f"open {word}"}]}


def test_definitions_that_change_are_in_force_at_once(shared):
    first, good = told(shared)
    assert good
    assert [shared.ask(want=want).status for want in ("one", "two")] == [403, 200]
    assert [shared.ask(**text(word)).status for word in ("sesame", "thistle")] == [403, 200]
    shared.write("definitions.yaml", DEFINITIONS % ("two", "thistle"))
    assert shared.gateway.call(shared.gateway.runtime.changed())
    assert shared.reload() == []
    second, good = told(shared)
    assert (good, second == first) == (True, False)
    assert [shared.ask(want=want).status for want in ("one", "two")] == [200, 403]
    assert [shared.ask(**text(word)).status for word in ("sesame", "thistle")] == [200, 403]


@pytest.mark.parametrize(("broken", "says"), [
    ("version: 1\nfragments: {wanted: {headers: {want: [}}\n", "definitions.yaml:2:"),
    ("version: 1\nfragments: {wanted: {haeders: {want: one}}}\nwords: {secret: [sesame]}\n", "did you mean 'headers'"),
    ("version: 1\nwords: {secret: [sesame]}\n", "wanted"),
    (DEFINITIONS % ("one", ""), "definitions.yaml:3:"),
    (None, "wanted"),
], ids=["no YAML", "unknown key", "fragment gone", "empty list", "file gone"])  # fmt: skip
def test_definitions_that_break_leave_the_last_good_set_in_force_and_it_says_so(shared, broken, says, caplog):
    before = told(shared)
    path = shared.folder / "policies" / "definitions.yaml"
    if broken is None:
        path.unlink()
    else:
        path.write_text(broken)
    assert shared.gateway.call(shared.gateway.runtime.changed())
    problems = shared.reload()
    assert says in "\n".join(problems)
    assert told(shared) == (before[0], False)
    assert [shared.ask(want=want).status for want in ("one", "two")] == [403, 200]
    assert shared.ask(**text("sesame")).status == 403
    failed = [record for record in caplog.records if record.fields.get("problems")]
    assert len(failed) == 1
    assert says in failed[0].fields["error"]
    answer = shared.admin("POST", "reload")
    assert (answer["reloaded"], answer["revision"]) == (False, before[0])
    assert answer["problems"] == problems
    path.write_text(DEFINITIONS % ("one", "sesame"))
    assert shared.admin("POST", "reload") == {"reloaded": True, "revision": before[0], "problems": []}
    assert told(shared) == before


def test_definitions_may_come_and_go_with_what_needs_them(made):
    scene = made(DENY)
    first, _ = told(scene)
    scene.write("definitions.yaml", DEFINITIONS % ("one", "sesame"))
    scene.write("ladder.yaml", USES["ladder"])
    assert scene.reload() == []
    second, _ = told(scene)
    assert [scene.ask(want=want).status for want in ("one", "deny")] == [403, 200]
    (scene.folder / "policies" / "definitions.yaml").unlink()
    scene.write("ladder.yaml", DENY["ladder"])
    assert scene.reload() == []
    assert told(scene) == (first, True)
    assert second != first
    assert [scene.ask(want=want).status for want in ("one", "deny")] == [200, 403]


def test_every_request_during_reloads_is_decided_by_one_revision_alone(made):
    """The policy and the fragment that it uses change together: no request sees the one without the other."""
    sets = [(USES["ladder"].replace("Ladder", title), DEFINITIONS % (want, "x")) for title, want in SETS]
    scene = made(DENY, settings={"reload_poll_s": 3600})
    revisions = []
    for ladder, definitions in sets:
        scene.write("definitions.yaml", definitions)
        scene.write("ladder.yaml", ladder)
        assert scene.reload() == []
        revisions.append(scene.gateway.runtime.snapshot.policies.revision)
    stop = threading.Event()

    def call(_number):
        while not stop.is_set():
            ask(scene.gateway, headers=(b"want: one",))

    def change(_number):
        try:
            for turn in range(12):
                ladder, definitions = sets[turn % 2]
                scene.write("definitions.yaml", definitions)
                scene.write("ladder.yaml", ladder)
                assert scene.reload() == []
        finally:
            stop.set()

    many(4, lambda number: (change if number == 0 else call)(number))
    scene.gateway.settled()
    decided = {(record.revision, record.status) for record in scene.gateway.records()}
    assert decided == {(revisions[0], 403), (revisions[1], 200)}
