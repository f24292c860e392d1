"""Many requests counted at once come to what they would have come to one by one."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.usage import Usage
from gateway.observe.counters import Histogram
from gateway.observe.detector_counts import MOST_HELD_BACK
from gateway.observe.metrics import Metrics
from tests.support.some_looks import tell

EIGHTHS = st.integers(0, 800).map(lambda eighths: eighths / 8)
"""Their sums are exact, in whatever order."""
ANSWERS = st.tuples(
    EIGHTHS, EIGHTHS, EIGHTHS, EIGHTHS, st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**40),
    st.integers(-5000, 5000),
)  # fmt: skip


def metrics() -> Metrics:
    made = Metrics("1", ["chat"])
    made.configure(["m"], ["main"], ["free"], ["rpm"], ["free"])
    return made


@given(st.lists(ANSWERS, min_size=1, max_size=40), st.booleans())
def test_answers(answers, stream):
    singly, at_once = metrics(), metrics()
    for took, ours, first_byte, at_upstream, read, written, cost, adjusted in answers:
        singly.request_done("chat", "m", "complete", stream=stream, duration_s=took, overhead_s=ours, ttfb_s=first_byte)
        singly.upstream_done("main", at_upstream)
        singly.tokens("m", Usage(read, written), cost)
        singly.settled("complete", estimated=False, adjustment_tokens=adjusted)
        singly.decision("free", "allow", "enforce", "none")
    at_once.answered("chat", "m", "main", stream=stream, answers=answers)
    at_once.allowed([("free", "enforce")], len(answers))
    assert sorted(at_once.render().splitlines()) == sorted(singly.render().splitlines()), "in whatever order"


@given(st.lists(st.one_of(st.sampled_from([0.25, 1.0, 2.5]), st.integers(0, 40).map(lambda eighths: eighths / 8))))
def test_a_histogram_of_many_values(values):
    singly, at_once = Histogram((0.25, 1.0, 2.5)), Histogram((0.25, 1.0, 2.5))
    for value in values:
        singly.observe(value)
    at_once.observe_all(values)
    assert (at_once.counts, at_once.total) == (singly.counts, singly.total)


def test_saturations():
    singly, at_once = metrics(), metrics()
    for part in (0.0, 0.5, 0.75, 1.5):
        singly.saturation("free", "rpm").observe(part)
        singly.saturation("nobody", "rpm").observe(part)
    at_once.saturations({("free", "rpm"): [0.0, 0.5, 0.75, 1.5], ("nobody", "rpm"): [1.5, 0.75, 0.5, 0.0]})
    assert at_once.render() == singly.render()


def test_what_is_held_back_comes_in_before_it_is_read_and_before_labels_change():
    made = metrics()
    waiting = [3]

    def bring():
        made.allowed([("free", "enforce")], waiting.pop() if waiting else 0)

    made.gather(bring)
    assert b'gateway_decisions_total{action="allow",mode="enforce",policy="free",reason="none"} 3.0' in made.render()
    waiting.append(4)
    assert b'policy="free",reason="none"} 7.0' in b"".join(made.pieces())
    waiting.append(5)
    made.configure(["m"], ["main"], ["other"])
    assert not waiting
    assert b'policy="free"' not in made.render(), "it came in under the old labels, and went with them"
    tell(made, "free", rubric=True)
    made.configure(["m"], ["main"], ["other"])
    assert b'tier="free"' not in made.render()


def test_what_detectors_say_is_not_held_back_without_end():
    made = metrics()
    family = made._detector_duration  # a scrape would bring in what is held back
    seen = []
    for _ in range(2 * MOST_HELD_BACK):
        tell(made)
        seen.append(sum(family[()].counts))
    assert sorted({(count, seen.count(count)) for count in seen}) == [
        (0, MOST_HELD_BACK - 1), (MOST_HELD_BACK, MOST_HELD_BACK), (2 * MOST_HELD_BACK, 1),
    ]  # fmt: skip


def test_what_detectors_say_of_several_tiers():
    made = metrics()
    for tier, ratio, spread in (("free", 0.5, (1, 2)), ("nobody", 4.0, (3, 1)), ("free", 2.0, (1, 1))):
        tell(made, tier, ratio=ratio, spread=spread, rubric=ratio > 1)
    lines = made.render().decode().splitlines()
    assert {
        'gateway_signal_requests_total{present="true",signal="rubric",tier="free"} 1.0',
        'gateway_signal_requests_total{present="false",signal="rubric",tier="free"} 1.0',
        'gateway_signal_requests_total{present="true",signal="rubric",tier="other"} 1.0',
        'gateway_signal_requests_total{present="false",signal="rubric",tier="other"} 0.0',
        'gateway_output_input_ratio_sum{tier="free"} 2.5',
        'gateway_output_input_ratio_sum{tier="other"} 4.0',
        "gateway_key_networks_sum 5.0",
        "gateway_key_clients_sum 4.0",
        "gateway_key_clients_count 3.0",
    } <= set(lines)
