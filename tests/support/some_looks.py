"""What the detectors say of one request, with everything left out that a test does not name."""


def tell(report, tier="free", *, ratio=None, spread=None, seconds=0.0001, **signals):
    """`signals` by name: there, not there, or None where one does not apply."""
    report.looked(tier, tuple(signals), tuple(signals.values()), ratio=ratio, spread=spread, seconds=seconds)
