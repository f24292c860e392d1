"""Two gateways on one Redis with one key at one provider: together they never ask for more than the key may."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.recording import recording
from tests.support.redis_server import redis_cluster, redis_server
from tests.support.running import DIALECTS, MODELS, running
from tests.support.talking import ask, code
from tests.support.upstream import ok

pytestmark = pytest.mark.redis

CROWD = 200
MONTH = 37
SLOTS = 5
SAID = ok(b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')


def entry(upstream, **more):
    return {"kind": "openai", "base_url": upstream.url + "/v1", "dialects": DIALECTS, **more}


def replicas(stack, tmp_path, url, upstreams, models=None, **redis):
    """Two running gateways with the same upstreams."""
    for name in ("one", "other"):
        settings = {
            "store": url,
            "redis": {"undelivered_file": f"{name}.jsonl", "timeout_ms": 2000, **redis},
            "upstreams": upstreams,
        }
        yield stack.enter_context(running(tmp_path / name, settings=settings, models=models))


def crowd(gateways, count=CROWD, threads=40):
    def call(number):
        gateway = gateways[number % 2]
        return ask(gateway, key=gateway.keys["acme"], max_tokens=5)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, range(count)))


def still_held(gateways):
    """What Redis holds after each gateway has settled all it served; a gateway's own words reach it in order."""
    for gateway in gateways:
        gateway.settled()
    return [gateway.call(gateway.runtime.store.held()) for gateway in gateways][-1]


@pytest.mark.parametrize("kind", ["one server", "a cluster"])
def test_a_crowd_at_both_never_passes_one_request_too_many(tmp_path, capsys, kind):
    budgets = {"month": {"unit": "requests", "amount": MONTH, "period": "month"}}
    with ExitStack() as stack:
        main = stack.enter_context(recording(SAID))
        if kind == "a cluster":
            servers = stack.enter_context(redis_cluster())
            url = "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
        else:
            url = stack.enter_context(redis_server()).url
        gateways = list(replicas(stack, tmp_path, url, {"main": entry(main, budgets=budgets)}))
        answers = crowd(gateways)
        served = [answer for answer in answers if answer.status == 200]
        assert {code(answer) for answer in answers if answer.status != 200} == {"upstream_busy"}
        with capsys.disabled():
            print(f"\n{CROWD} callers at two gateways, {kind}: {main.count()} of {MONTH} reached the upstream")
        assert len(served) == main.count() == MONTH
        assert still_held(gateways) == []


def test_never_more_at_a_time_than_the_key_may(tmp_path):
    """The upstream itself counts how many are with it at once."""
    inside, most, lock, room = [0], [0], threading.Lock(), threading.Event()

    async def arrive(peer):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if inside[0] == SLOTS:
                room.set()
        await peer.upstream.released.wait()
        with lock:
            inside[0] -= 1

    limits = {"open": {"unit": "concurrent", "amount": SLOTS}}
    with ExitStack() as stack:
        main, server = stack.enter_context(recording([arrive, *SAID])), stack.enter_context(redis_server())
        gateways = list(replicas(stack, tmp_path, server.url, {"main": entry(main, limits=limits)}))
        first = stack.enter_context(ThreadPoolExecutor(SLOTS))
        waiting = [first.submit(ask, gateways[number % 2]) for number in range(SLOTS)]
        assert room.wait(20)
        assert {code(answer) for answer in crowd(gateways, 40)} == {"upstream_busy"}
        assert main.count() == SLOTS
        main._upstream._server.get_loop().call_soon_threadsafe(main._upstream.release)
        assert {one.result(20).status for one in waiting} == {200}
        assert {answer.status for answer in crowd(gateways)} <= {200, 503}
        assert most[0] == SLOTS
        assert still_held(gateways) == []
        assert {ask(gateway).status for gateway in gateways} == {200}


def test_while_redis_is_gone_each_has_its_share(tmp_path):
    limits = {"pace": {"unit": "requests", "amount": 40, "window": "1d"}}
    with ExitStack() as stack:
        main, server = stack.enter_context(recording(SAID)), stack.enter_context(redis_server())
        upstreams = {"main": entry(main, limits=limits)}
        (here, _) = replicas(stack, tmp_path, server.url, upstreams, replicas=20)
        assert ask(here).status == 200
        server.kill()
        answers = [ask(here) for _ in range(3)]
        assert [one.status for one in answers] == [200, 200, 503]
        assert [one.header("x-gateway-limits") for one in answers] == ["fallback"] * 3
        assert code(answers[2]) == "upstream_busy"


def test_where_loss_closes_the_class_another_upstream_serves(tmp_path):
    budgets = {"month": {"unit": "usd", "amount": 5, "period": "month"}}
    models = {"sim-small": {**MODELS["sim-small"], "upstreams": ["main", "spare"]}}
    with ExitStack() as stack:
        main, spare = stack.enter_context(recording(SAID)), stack.enter_context(recording(SAID))
        server = stack.enter_context(redis_server())
        upstreams = {"main": entry(main, budgets=budgets), "spare": entry(spare)}
        (here, _) = replicas(stack, tmp_path, server.url, upstreams, models)
        server.kill()
        assert {ask(here).status for _ in range(4)} == {200}
        assert (main.count(), spare.count()) == (0, 4)
        assert b'reason="limiter_unavailable",upstream="main"} ' in here.runtime.metrics.render()
