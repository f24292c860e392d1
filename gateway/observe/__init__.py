"""What is seen of the traffic: counters, decision records, log lines. Nothing here blocks, raises or keeps content."""
