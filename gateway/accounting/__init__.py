"""What a request costs: estimate before, amounts to reserve, amounts to settle. Pure: no store, no clock, no I/O."""
