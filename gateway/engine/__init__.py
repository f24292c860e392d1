"""The ledger as a pure state machine: buckets, budgets, leases and reservations. No clock, no I/O."""
