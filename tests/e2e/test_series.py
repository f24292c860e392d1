"""How many series a gateway has that serves many: 1,000 accounts, 50 models, every route, good and bad requests."""

import itertools
from pathlib import Path

import pytest

from tests.support.rawhttp import Raw, request
from tests.support.running import PRICES, running
from tests.support.talking import PATHS, STREAMED, ask, get

ROOT = Path(__file__).parents[2]
TIERS = ("free", "developer", "enterprise", "made-up-1", "made-up-2", "made-up-3", "made-up-4")
MODELS = {
    f"model-{index}": {
        "upstreams": ["main"], "upstream_name": "sim-small", "context": 32768, "max_output": 4096,
        "prices": dict(PRICES),
    }
    for index in range(50)
}  # fmt: skip
ACCOUNTS = {f"account-{index}": {"tier": TIERS[index % len(TIERS)]} for index in range(1000)}


@pytest.mark.slow
def test_a_thousand_accounts_and_fifty_models_stay_below_two_thousand_series(tmp_path):
    with running(tmp_path, policies=ROOT / "policies", models=MODELS, accounts=ACCOUNTS) as gateway:
        keys = itertools.cycle(gateway.keys.values())
        answered = 0
        for model, dialect in itertools.product(MODELS, PATHS):
            answered += ask(gateway, dialect, key=next(keys), model=model).status == 200
        for model, dialect in itertools.product(MODELS, STREAMED):
            answered += ask(gateway, dialect, key=next(keys), model=model, stream=True).status == 200
        for key in gateway.keys.values():
            ask(gateway, key=key, model="model-0", max_tokens=1)
        for dialect in PATHS:
            ask(gateway, dialect, model="no-such-model", key=next(keys))
            ask(gateway, dialect, key="sk-ex-000000000000_nonsense")
            with Raw(gateway.gateway.data_port) as raw:
                raw.send(request(PATHS[dialect], b"{", key=next(keys)))
                raw.answer()
        for path in ("/v1/models", "/v1/usage", "/v1/models/model-1", "/nothing", "/v1/nothing"):
            get(gateway.gateway.data_port, path, next(keys))
        gateway.settled()
        text = get(gateway.gateway.ops_port, "/metrics").body
    assert answered > 300
    assert len(gateway.keys) == 1000
    lines = [line for line in text.splitlines() if line and not line.startswith(b"#")]
    assert b'gateway_signal_requests_total{present="true",signal="single_turn",tier="other"}' in text
    assert b"account-" not in text
    assert 500 < len(lines) < 2000
