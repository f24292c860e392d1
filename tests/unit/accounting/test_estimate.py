import pytest

from gateway.accounting import estimate
from gateway.accounting.estimate import Estimator
from gateway.core.ask import Ask
from gateway.core.usage import Usage


def ask(prompt_bytes: int, *, media_items: int = 0, choices: int = 1) -> Ask:
    return Ask({}, "m", False, prompt_bytes, media_items=media_items, choices=choices)


def taught(samples, *, output=((400, 100),)) -> Estimator:
    """An estimator that saw (bytes, tokens) of input over and over."""
    estimator = Estimator()
    for round_ in range(400):
        for size, tokens in samples:
            text, written = output[round_ % len(output)]
            estimator.learn("m", ask(size), Usage(tokens, written), text)
    return estimator


def test_an_unknown_model_is_over_estimated():
    assert Estimator().input_tokens("new", ask(4000)) > 4000 / 4


def test_an_empty_ask_is_nothing_and_anything_else_is_not():
    assert Estimator().input_tokens("m", ask(0)) == 0
    assert Estimator().input_tokens("m", ask(1)) >= 1
    # Even where everything learnt says zero.
    assert taught([(40, 1)]).input_tokens("m", ask(1)) >= 1


def test_slope_and_overhead_are_learnt_together():
    """4 bytes a token and 30 tokens of template: short and long prompts both come out right."""
    sizes = (40, 400, 4000, 40000)
    estimator = taught([(size, size // 4 + 30) for size in sizes])
    for size in (60, 1000, 20000):
        assert estimator.input_tokens("m", ask(size)) == pytest.approx(size / 4 + 30, rel=0.12)


def test_models_learn_apart():
    estimator = Estimator()
    for _ in range(300):
        estimator.learn("dense", ask(3000), Usage(3000 // 2, 50), 100)
        estimator.learn("sparse", ask(3000), Usage(3000 // 6, 50), 300)
    assert estimator.input_tokens("dense", ask(3000)) > 2 * estimator.input_tokens("sparse", ask(3000))


def test_what_it_fell_short_of_becomes_a_margin():
    """Prompts of one size whose tokens vary: the estimate lies above the mean."""
    estimator = taught([(3000, 600), (3000, 900)])
    assert estimator.input_tokens("m", ask(3000)) > 780


def test_media_count_a_constant_and_teach_nothing():
    estimator = Estimator(tokens_per_media_item=1000)
    before = estimator.input_tokens("m", ask(3000))
    assert estimator.input_tokens("m", ask(3000, media_items=2)) == before + 2000
    assert estimator.input_tokens("m", ask(0, media_items=1)) >= 1000
    for _ in range(100):
        estimator.learn("m", ask(3000, media_items=1), Usage(2500, 50), 100)
    assert estimator.input_tokens("m", ask(3000)) == before


def test_estimated_usage_teaches_nothing():
    estimator = Estimator()
    for _ in range(100):
        estimator.learn("m", ask(3000), Usage(300, 50, estimated=True), 800)
    assert estimator.bytes_per_token("m") == (pytest.approx(3.0), pytest.approx(3.0))


@pytest.mark.parametrize("tokens", [0, 1, 10**6, 10**400, -5], ids=["zero", "one", "many", "absurd", "negative"])
def test_an_impossible_report_teaches_nothing(tokens):
    estimator = Estimator()
    for _ in range(100):
        estimator.learn("m", ask(30_000), Usage(tokens, tokens), 30_000)
    assert estimator.bytes_per_token("m") == (pytest.approx(3.0), pytest.approx(3.0))


@pytest.mark.parametrize("bytes_per_token", [16, 1])
def test_a_lying_upstream_moves_it_to_the_bounds_and_no_further(bytes_per_token):
    estimator = Estimator()
    for _ in range(5000):
        estimator.learn("m", ask(32_000), Usage(32_000 // bytes_per_token, 3200 // bytes_per_token), 3200)
    for ratio in estimator.bytes_per_token("m"):
        assert estimate.MIN_BYTES_PER_TOKEN <= ratio <= estimate.MAX_BYTES_PER_TOKEN
    assert estimator.input_tokens("m", ask(32_000)) >= 2000
    assert estimator.output_tokens("m", 32_000, 0) >= 2000


def test_one_wild_report_moves_it_little():
    estimator = taught([(4000, 1000)])
    before = estimator.input_tokens("m", ask(4000))
    estimator.learn("m", ask(4000), Usage(4000, 100), 400)
    assert estimator.input_tokens("m", ask(4000)) < before * 1.25


def test_output_takes_the_larger_of_events_and_bytes():
    estimator = taught([(4000, 1000)], output=((400, 100),))
    assert estimator.bytes_per_token("m")[1] == pytest.approx(4.0, rel=0.02)
    # Speculative decoding: few events with many tokens each.
    assert estimator.output_tokens("m", 4000, 50) == pytest.approx(1000, rel=0.03)
    # Short tokens, one an event.
    assert estimator.output_tokens("m", 400, 300) == 300
    # An upstream that cuts its text into single characters: a token has at least a byte.
    assert estimator.output_tokens("m", 10, 500) == 10
    # Output without text is not free.
    assert estimator.output_tokens("m", 0, 5) == 5
    assert estimator.output_tokens("m", 0, 0) == 0
    assert estimator.output_tokens("m", 1, 0) >= 1


def test_hidden_reasoning_does_not_teach_the_output_ratio():
    estimator = Estimator()
    for _ in range(100):
        estimator.learn("m", ask(3000), Usage(1000, 900, reasoning_tokens=800), 1000)
    assert estimator.bytes_per_token("m")[1] == pytest.approx(3.0)


def test_output_high_follows_the_95th_percentile_per_choice():
    estimator = Estimator()
    for index in range(6000):
        written = 50 if index % 10 else 400  # every tenth answer is long: the 95th percentile is among them
        estimator.learn("m", ask(3000, choices=2), Usage(1000, written * 2), written * 8)
    assert 200 < estimator.output_high("m") < 600
    assert Estimator().output_high("new") == 1024


def test_output_high_is_bounded_however_long_answers_claim_to_be():
    estimator = Estimator()
    for _ in range(2000):
        estimator.learn("m", ask(3000), Usage(1000, 10**400), 8)
    assert estimator.output_high("m") == estimate.MAX_OUTPUT_HIGH


@pytest.mark.interpreted
def test_models_beyond_the_bound_share_one_state(monkeypatch):
    monkeypatch.setattr(estimate, "MAX_MODELS", 2)
    estimator = Estimator()
    for index in range(300):
        estimator.learn(f"m{index}", ask(4000), Usage(1000, 50), 200)
    assert len(estimator._models) == 2
    assert estimator.bytes_per_token("m299") == estimator.bytes_per_token("m77")
    assert estimator.bytes_per_token("m299")[0] > 3.5


def test_text_is_wanted_of_the_first_answers_and_then_of_some():
    estimator = Estimator()
    wanted = []
    for _ in range(160):
        wanted.append(estimator.wants_text("m"))
        estimator.learn("m", ask(3000), Usage(1000, 50), 200 if wanted[-1] else None)
    assert wanted[:65] == [True] * 65
    assert sum(wanted[64:]) == (160 - 64) / 8
    assert estimator.wants_text("new")
    slope = estimator.bytes_per_token("m")
    estimator.learn("m", ask(3000), Usage(1000, 50), None)
    assert estimator.bytes_per_token("m")[1] == slope[1], "nobody knows how much text there was"
    assert estimator.bytes_per_token("m")[0] != slope[0]
