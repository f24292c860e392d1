"""The composition root: what is wired, what a reload may change, and that everything is closed."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.accounting.amounts import OutputMode
from gateway.accounting.outcome import Outcome
from gateway.catalogue import Catalogue
from gateway.config import SecretMissing, load_config
from gateway.core.account import Account
from gateway.exchange import Snapshot
from gateway.identity.directory import Directory
from gateway.observe.record_values import moment
from gateway.observe.records import DecisionRecord
from gateway.observe.sinks import FileSink, RingSink, TeeSink
from gateway.policy.archive import read, revisions
from gateway.policy.compile import PolicySet
from gateway.runtime import Runtime
from gateway.server.routes import ROUTE_NAMES
from gateway.sources import tiers
from gateway.stores.memory import MemoryStore
from gateway.stores.sqlite import SqliteStore
from gateway.yamlio import YamlProblems
from tests.support import tls
from tests.support.running import OPEN_POLICY, write_files
from tests.support.some_looks import tell
from tests.support.talking import policy, stopped
from tests.support.walking import FakeAnswer, Walk


def made(folder, upstream=None, **settings):
    write_files(folder, "http://127.0.0.1:9/v1", settings=settings, upstream_settings=upstream)
    return Runtime(load_config(folder / "gateway.yaml", env={}).settings, ROUTE_NAMES, stopped())


def test_settings_choose_the_parts(tmp_path):
    plain = made(tmp_path / "a")
    assert isinstance(plain.store, MemoryStore)
    assert isinstance(plain.sink, RingSink)
    assert plain.pipeline.scales.output_mode is OutputMode.ESTIMATE
    assert plain.pipeline.scales.ttl_ms == 60_000
    other = made(
        tmp_path / "b", store="sqlite:x.sqlite", decision_log="log.jsonl",
        reservation={"ttl_s": 5, "output": "worst_case"},
    )  # fmt: skip
    assert isinstance(other.store, SqliteStore)
    assert isinstance(other.sink, TeeSink)
    assert any(isinstance(sink, FileSink) for sink in other.sink._sinks)
    assert other.pipeline.scales.output_mode is OutputMode.WORST
    assert other.pipeline.scales.ttl_ms == 5000
    other.sink.close()


@pytest.mark.parametrize(("file", "old", "new"), [
    ("policies/open.yaml", "limits:", "limts:"), ("accounts.yaml", "tier:", "teir:"), ("models.yaml", "main", "mian"),
])  # fmt: skip
def test_a_bad_file_never_starts(tmp_path, file, old, new):
    write_files(tmp_path, "http://127.0.0.1:9/v1")
    path = tmp_path / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(YamlProblems, match=path.name):
        Runtime(load_config(tmp_path / "gateway.yaml", env={}).settings, ROUTE_NAMES)


def test_a_missing_credential_never_starts(tmp_path):
    write_files(tmp_path, "http://127.0.0.1:9/v1", upstream_settings={"api_key_env": "NOT_SET_ANYWHERE"})
    with pytest.raises(SecretMissing, match="NOT_SET_ANYWHERE"):
        Runtime(load_config(tmp_path / "gateway.yaml", env={}).settings, ROUTE_NAMES)


def rewrite(folder, old, new, file="policies/open.yaml"):
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_reload_swaps_everything_at_once_and_keeps_usage(tmp_path):
    budget = "requests: {unit: requests, per: account, amount: 1000000, period: day}"
    walk = Walk(tmp_path, policies={"open": policy(budgets=budget)["tight"]})
    runtime = walk.runtime

    async def scenario():
        x = await walk.forwarded(FakeAnswer(b"{}"))
        before = runtime.snapshot
        rewrite(tmp_path, "1000000", "7")
        rewrite(tmp_path, "sim-large", "sim-huge", "models.yaml")
        assert await runtime.reload() == []
        assert runtime.snapshot.policies.revision != before.policies.revision
        assert runtime.snapshot.catalogue.lookup("sim-huge") is not None
        assert x.snapshot is before, "an exchange ends under the set it began with"
        y = walk.ruled()
        assert await walk.pipeline.reserve(y) is None
        assert [reading.remaining for reading in y.verdict.readings] == [5], "one of seven was used before, one now"

    asyncio.run(scenario())
    assert b"gateway_policy_last_reload_successful 1.0" in runtime.metrics.render()


def test_a_broken_set_changes_nothing_and_is_named(tmp_path):
    runtime = Walk(tmp_path).runtime
    before = runtime.snapshot
    bridge = runtime.pipeline.bridge
    rewrite(tmp_path, "limits:", "limts:")
    rewrite(tmp_path, "sim-large", "sim-huge", "models.yaml")
    problems = asyncio.run(runtime.reload())
    assert "open.yaml:" in problems[0]
    assert runtime.snapshot is before
    assert runtime.pipeline.bridge is bridge
    assert b"gateway_policy_last_reload_successful 0.0" in runtime.metrics.render()


def test_files_that_changed_are_noticed_once(tmp_path):
    runtime = Walk(tmp_path).runtime

    async def scenario():
        assert not await runtime.changed()
        rewrite(tmp_path, "limits:", "limts:")
        assert await runtime.changed()
        assert await runtime.reload()
        assert not await runtime.changed(), "a broken set is tried once"
        (tmp_path / "policies" / "open.yaml").write_text(OPEN_POLICY)
        assert await runtime.changed()
        assert await runtime.reload() == []
        assert not await runtime.changed()
        rewrite(tmp_path, "1000000", "7")
        assert await runtime.reload() == []
        assert not await runtime.changed(), "somebody else reloaded already"

    asyncio.run(scenario())


@pytest.fixture
def keyed(tmp_path):
    """A runtime whose upstream's key is in a file."""
    (tmp_path / "upstream-key").write_text("first-key\n")
    return Walk(tmp_path, upstream_settings={"api_key_file": "upstream-key"})


def test_a_rotated_key_gets_a_new_bridge_and_the_old_one_closes_when_idle(tmp_path, keyed):
    runtime = keyed.runtime

    async def scenario():
        busy = await keyed.forwarded(FakeAnswer(b"{}"))
        old = runtime.pipeline.bridge
        assert keyed.transport.sent[0].headers["authorization"] == "Bearer first-key"
        (tmp_path / "upstream-key").write_text("second-key\n")
        runtime.metrics.upstream_state("main", up=False)
        assert await runtime.reload() == []
        assert b'gateway_upstream_up{upstream="main"} 1.0' in runtime.metrics.render()
        new = runtime.pipeline.bridge
        assert new is not old
        assert new.upstream("main").settings.api_key == "second-key"
        assert len(runtime._leaving._closing) == 1
        await asyncio.sleep(0)
        assert not keyed.transport.closed, "somebody is still on it"
        busy.forwarded.release(None)
        async with asyncio.timeout(10):
            await asyncio.gather(*runtime._leaving._closing)
        assert keyed.transport.closed
        await runtime.close()

    asyncio.run(scenario())


def test_closing_does_not_wait_for_what_was_replaced_and_closes_it_all_the_same(tmp_path, keyed):
    async def scenario():
        await keyed.forwarded(FakeAnswer(b"{}"))
        (tmp_path / "upstream-key").write_text("second-key\n")
        assert await keyed.runtime.reload() == []
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await keyed.runtime.close()
        assert keyed.transport.closed

    asyncio.run(scenario())


def test_a_reload_without_news_keeps_the_connections(tmp_path, keyed):
    bridge = keyed.runtime.pipeline.bridge
    assert asyncio.run(keyed.runtime.reload()) == []
    assert keyed.runtime.pipeline.bridge is bridge


def test_reloads_queue_up(tmp_path):
    runtime = Walk(tmp_path).runtime

    async def scenario():
        assert await asyncio.gather(*(runtime.reload() for _ in range(5))) == [[]] * 5

    asyncio.run(scenario())


def test_a_key_that_vanished_keeps_the_last_good_one(tmp_path, keyed):
    (tmp_path / "upstream-key").unlink()
    problems = asyncio.run(keyed.runtime.reload())
    assert len(problems) == 1
    assert "upstream-key" in problems[0]
    assert keyed.pipeline.bridge.upstream("main").settings.api_key == "first-key"


@pytest.fixture
def certified(tmp_path):
    """A runtime whose upstream has an authority of its own."""
    tls.authority(tmp_path)
    return made(tmp_path, upstream={"ca_file": "ca.pem"})


def test_a_renewed_certificate_gets_a_new_bridge(tmp_path, certified):
    """Its path stays the same: the contents tell."""
    bridge = certified.pipeline.bridge
    assert asyncio.run(certified.reload()) == []
    assert certified.pipeline.bridge is bridge
    tls.authority(tmp_path)
    assert asyncio.run(certified.reload()) == []
    assert certified.pipeline.bridge is not bridge


def test_a_certificate_of_no_use_keeps_the_last_good_bridge(tmp_path, certified):
    bridge, snapshot = certified.pipeline.bridge, certified.snapshot
    (tmp_path / "ca.pem").write_text("not a certificate")
    [problem] = asyncio.run(certified.reload())
    assert problem.startswith("upstreams.main: ca_file")
    assert certified.pipeline.bridge is bridge
    assert certified.snapshot is snapshot
    assert not certified._leaving._closing
    tls.authority(tmp_path)
    assert asyncio.run(certified.reload()) == []


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_certificate_of_no_use_never_starts(tmp_path, content):
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(SecretMissing, match=r"upstreams\.main: ca_file, client_cert_file or client_key_file"):
        made(tmp_path, upstream={"ca_file": "ca.pem"})


def test_closing_right_after_a_reload_closes_what_was_replaced(tmp_path, keyed):
    async def scenario():
        (tmp_path / "upstream-key").write_text("second-key\n")
        assert await keyed.runtime.reload() == []
        await keyed.runtime.close()
        assert keyed.transport.closed

    asyncio.run(scenario())


def test_an_account_that_no_policy_covers_is_said_at_start_and_at_reload(tmp_path, caplog):
    narrow = policy("one: {unit: requests, per: account, amount: 5, window: 1m}", match="{tier: free}")
    write_files(tmp_path, "http://127.0.0.1:9/v1", policies=narrow)

    async def walk():
        runtime = Runtime(load_config(tmp_path / "gateway.yaml", env={}).settings, ROUTE_NAMES, stopped())
        await runtime.start()
        said = len(caplog.records)
        assert await runtime.reload() == []
        await runtime.close()
        return said

    with caplog.at_level("WARNING"):
        said = asyncio.run(walk())
    lines = [record.fields["hint"] for record in caplog.records if record.message == "check the configuration"]
    assert len(lines) == 2 * said == 2
    assert "no policy covers acme (tier developer), globex (tier enterprise)" in lines[0]


def test_a_reload_lets_a_rotated_decision_log_go_on_in_a_new_file(tmp_path):
    log = tmp_path / "log.jsonl"

    async def walk():
        runtime = made(tmp_path, decision_log="log.jsonl")
        await runtime.start()
        line = DecisionRecord("one", moment(0), "one", "chat", 200, "complete", "1")
        runtime.sink.emit(line.kept())
        while not (log.exists() and log.read_text()):
            await asyncio.sleep(0.01)
        log.rename(tmp_path / "old.jsonl")
        await runtime.reload()
        runtime.sink.emit(replace(line, id="two").kept())
        await runtime.close()

    asyncio.run(walk())
    assert '"id":"one"' in (tmp_path / "old.jsonl").read_text()
    assert '"id":"two"' in log.read_text()


CLAUSED = OPEN_POLICY.replace("match: all", 'clause: {document: Terms, section: "4.2"}\nmatch: {tier: trial}')
ACCOUNTS = {"ada": {"tier": "free"}, "acme": {"tier": "free", "suspended": True}, "globex": {"tier": "developer"}}


def scraped(runtime) -> list[str]:
    return runtime.metrics.render().decode().splitlines()


def test_accounts_tiers_and_clauses_are_labels_and_follow_a_reload(tmp_path):
    walk = Walk(tmp_path, accounts=ACCOUNTS, policies={"open": CLAUSED})
    runtime = walk.runtime
    lines = scraped(runtime)
    assert 'gateway_accounts{standing="clear"} 2.0' in lines
    assert 'gateway_accounts{standing="blocked"} 1.0' in lines
    assert 'gateway_policy_clause_info{document="Terms",policy="open",section="4.2"} 1.0' in lines
    for tier in ("free", "developer", "trial", "unheard"):
        tell(runtime.metrics, tier, ratio=1.0)
    ratios = [line for line in scraped(runtime) if line.startswith("gateway_output_input_ratio_count")]
    assert [line.split('"')[1] for line in ratios] == ["free", "developer", "trial", "other"]
    rewrite(tmp_path, "suspended: true", "suspended: false", "accounts.yaml")
    rewrite(tmp_path, "4.2", "5")
    assert asyncio.run(runtime.reload()) == []
    lines = scraped(runtime)
    assert 'gateway_accounts{standing="blocked"} 0.0' in lines
    assert 'gateway_policy_clause_info{document="Terms",policy="open",section="5"} 1.0' in lines


def test_tiers_of_most_accounts_come_first():
    runtime_tiers = tiers(
        Snapshot(
            Directory.of({str(index): Account(str(index), "", tier) for index, tier in enumerate("abbcccb")}, {}, b""),
            Catalogue((), {}),
            PolicySet(()),
        )
    )
    assert runtime_tiers == ["b", "c", "a"]


def test_a_store_that_fails_is_told(tmp_path):
    runtime = Walk(tmp_path).runtime
    assert "gateway_store_fallback_active 0.0" in scraped(runtime)
    runtime.store.degraded = True
    assert "gateway_store_fallback_active 1.0" in scraped(runtime)


def test_the_busiest_accounts_have_series_where_that_is_switched_on(tmp_path):
    walk = Walk(tmp_path, settings={"observe": {"top_accounts": 1, "sketch_accounts": 5}})

    async def scenario(account):
        x = walk.ruled(account=account)
        assert await walk.pipeline.reserve(x) is None
        walk.transport.answers = [FakeAnswer(b"{}")]
        assert await walk.pipeline.forward(x) is None
        walk.finish(x, Outcome.COMPLETE)

    for account in ("acme", "ada", "ada"):
        asyncio.run(scenario(account))
    lines = scraped(walk.runtime)
    assert 'gateway_account_requests_total{account="acme"} 1.0' in lines
    assert 'gateway_account_requests_total{account="other"} 2.0' in lines
    assert not [line for line in lines if "ada" in line]


def test_detectors_watch_while_the_gateway_runs_and_the_rest_is_worked_off_at_its_end(tmp_path):
    walk = Walk(tmp_path)
    runtime = walk.runtime

    def single_turns() -> list[str]:
        return [line for line in scraped(runtime) if 'present="true",signal="single_turn"' in line]

    async def scenario():
        await runtime.start()
        x = await walk.forwarded(FakeAnswer(b"{}"))
        walk.finish(x, Outcome.COMPLETE)
        assert single_turns() == []
        async with asyncio.timeout(5):
            while not single_turns():
                await asyncio.sleep(0)
        assert "gateway_detector_accounts 1.0" in scraped(runtime)
        y = await walk.forwarded(FakeAnswer(b"{}"))
        walk.finish(y, Outcome.COMPLETE)
        await runtime.close()

    asyncio.run(scenario())
    assert single_turns() == ['gateway_signal_requests_total{present="true",signal="single_turn",tier="developer"} 2.0']
    assert "gateway_detector_dropped_total 0.0" in scraped(runtime)


def test_detectors_that_fail_stop_nothing(tmp_path):
    runtime = Walk(tmp_path).runtime

    def broken():
        raise ZeroDivisionError

    async def scenario():
        await runtime.start()
        runtime.watchtower.drain = broken
        with pytest.raises(ZeroDivisionError):
            await runtime.close()

    closed = []
    runtime.store.close = noted(runtime.store.close, closed)
    asyncio.run(scenario())
    assert closed == ["close"], "usage goes to disk all the same"


def noted(close, calls):
    async def call():
        calls.append("close")
        await close()

    return call


def archived(tmp_path):
    return Walk(tmp_path, settings={"policy_archive": "kept"}).runtime, tmp_path / "kept"


def test_policies_in_force_are_archived_at_start_and_on_reload(tmp_path):
    runtime, folder = archived(tmp_path)

    async def scenario():
        await runtime.start()
        first = runtime.snapshot.policies.revision
        rewrite(tmp_path, "status: stable", "status: testing", "policies/open.yaml")
        assert await runtime.reload() == []
        second = runtime.snapshot.policies.revision
        assert await runtime.reload() == []
        await runtime.close()
        return first, second

    first, second = asyncio.run(scenario())
    assert first != second
    assert set(revisions(folder)) == {first, second}
    assert read(folder, second).policies[0].status == "testing"
    assert read(folder, first).revision == first


def test_an_archive_that_cannot_be_written_is_a_line_in_the_log(tmp_path, caplog):
    runtime, folder = archived(tmp_path)
    folder.write_text("in the way")

    async def scenario():
        await runtime.start()
        problems = await runtime.reload()
        await runtime.close()
        return problems

    assert asyncio.run(scenario()) == []
    said = [record for record in caplog.records if "could not be archived" in record.getMessage()]
    assert len(said) == 2
    assert said[0].fields["revision"] == runtime.snapshot.policies.revision
    assert folder.read_text() == "in the way"
