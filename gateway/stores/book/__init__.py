"""Where accounts and keys are kept when they are not in a file: every book obeys one contract, proven by one suite."""
