-- How many accounts there are, and how many of them are suspended.
return {tostring(redis.call('ZCARD', KEYS[5])), tostring(redis.call('SCARD', KEYS[12]))}
