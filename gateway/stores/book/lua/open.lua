-- Claim an empty book for ARGV[1], the format that this version reads; the format that the book has.
redis.call('HSETNX', KEYS[1], 'format', ARGV[1])
return redis.call('HGET', KEYS[1], 'format')
