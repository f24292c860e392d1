"""Any list of epochs: the settings take it exactly when it keeps the rules, and then one epoch marks at any time."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.config.watermark import DAY_MS, WatermarkEntry
from gateway.mark_files import epochs_of
from gateway.watermarks.epochs import epoch_after, epoch_at

START = date(2026, 1, 1)
SPANS = st.lists(st.tuples(st.integers(-3, 6), st.sampled_from([0, 1, 2, 3, 30, 92, 93])), min_size=1, max_size=5)


def laid_out(spans):
    """(first day, day after the last) of each: it begins so many days after the end of the one before."""
    days, at = [], 100
    for gap, length in spans:
        days.append((at + gap, at + gap + length))
        at = days[-1][1]
    return days


def keeps_the_rules(days):
    return (
        all(1 <= until - start <= 92 for start, until in days)
        and all(one[0] < two[0] and one[1] < two[1] and one[1] - two[0] <= 1 for one, two in pairwise(days))
        and all(one[1] <= three[0] for one, three in zip(days, days[2:], strict=False))
    )


def text(day):
    return (START + timedelta(days=day)).isoformat()


@example([(0, 92), (-1, 92), (0, 1)])
@example([(0, 30), (-1, 2), (-1, 30)])
@example([(0, 3), (-1, 1), (-1, 3)])
@given(SPANS)
def test_settings_take_what_keeps_the_rules(spans):
    days = laid_out(spans)
    entries = [{"id": f"e{n}", "from": text(start), "until": text(until)} for n, (start, until) in enumerate(days)]
    document = {"secret_file": "s", "directory": "d", "epochs": tuple(entries)}
    try:
        entry = WatermarkEntry.model_validate(document)
    except ValidationError:
        assert not keeps_the_rules(days)
        return
    assert keeps_the_rules(days)
    epochs = epochs_of(entry)
    zero = epochs[0].from_ms - days[0][0] * DAY_MS
    for day in range(days[0][0] - 1, days[-1][1] + 1):
        for now in (zero + day * DAY_MS, zero + day * DAY_MS + DAY_MS - 1):
            under_way = [n for n, (start, until) in enumerate(days) if start <= day < until]
            assert len(under_way) <= 2
            found = epoch_at(epochs, now)
            assert found == (epochs[under_way[-1]] if under_way else None)
            later = [epoch for epoch in epochs if epoch.from_ms > now]
            assert epoch_after(epochs, now) == (later[0] if later else None)
