"""Rules on what the model writes, streams included: held back, matched as it comes, or looked at afterwards."""
