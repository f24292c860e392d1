"""`for` as the campaign proof applies it, and what it blames a campaign for."""

from tests.support.campaign_mix import SCENARIOS
from tests.support.campaign_report import Fired, firing, split
from tests.support.campaign_traffic import STEP_S

HOLD_S = 2 * STEP_S


def results(*steps: int) -> dict[int, float]:
    return {step * STEP_S: 1.0 for step in steps}


def test_it_fires_once_the_result_has_lasted():
    assert firing(results(1, 2, 3, 4), HOLD_S) == [(3 * STEP_S, 4 * STEP_S)]
    assert firing(results(1, 2, 3), HOLD_S) == [(3 * STEP_S, 3 * STEP_S)]


def test_a_gap_starts_the_wait_anew():
    assert firing(results(1, 2, 4, 5), HOLD_S) == []
    assert firing(results(1, 2, 4, 5, 6), HOLD_S) == [(6 * STEP_S, 6 * STEP_S)]
    assert firing({}, HOLD_S) == []


def test_only_what_a_campaign_moves_is_its_doing():
    resale = next(one for one in SCENARIOS if one.name == "resale-5")
    early, own, other = (
        Fired("GatewayKeysWithManyClients", -3.0, -1.0),
        Fired("GatewayKeysWithManyClients", 3.0, 9.0),
        Fired("GatewayRubricGrading", 3.0, 9.0),
    )
    assert split(resale, [early, own, other]) == ([own], [early, other])
