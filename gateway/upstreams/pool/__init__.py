"""Our own connections to an upstream: one protocol object per connection, no task and no queue between it and us."""
