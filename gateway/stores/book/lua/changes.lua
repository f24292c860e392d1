-- What changed after the revision ARGV[1]: {revision, '1', 'WHICH ID', ...}, or {revision, '0'} when nobody can tell.
local meta = redis.call('HMGET', KEYS[1], 'revision', 'floor')
local revision, floor, since = tonumber(meta[1] or '0'), tonumber(meta[2] or '0'), tonumber(ARGV[1])
local answer = {meta[1] or '0', '1'}
if since == revision then
  return answer
end
if since < floor or since > revision then
  answer[2] = '0'
  return answer
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[7], '(' .. ARGV[1], '+inf')) do
  answer[#answer + 1] = member
end
return answer
