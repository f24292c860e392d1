"""The vocabulary every room speaks: facts, decisions, ports. No I/O and no third-party code but the JSON door."""
