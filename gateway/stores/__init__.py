"""Where usage is kept: every store obeys one contract, proven by one suite."""
