"""Usage in Redis: one Lua script decides, a small client of our own asks it. See docs/redis.md."""
