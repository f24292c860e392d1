-- Write rows if nothing has changed since the writer read them: {revision}; {} to read again; {0, account} that has keys.
-- ARGV: length of the log; checks, each (which of KEYS, id, row as it was read); accounts that must have no key;
-- steps, each (which of KEYS, id, body or '' to drop, '1' for a known row, account of a key). Counts come first.
-- A revision is the time, so that one that a failover lost is never given out again.
local ids_of = {['2'] = KEYS[5], ['3'] = KEYS[6], ['8'] = KEYS[9], ['10'] = KEYS[11]}
local at = 1
local function take()
  at = at + 1
  return ARGV[at]
end
for _ = 1, tonumber(take()) do
  local rows, id, seen = KEYS[tonumber(take())], take(), take()
  if (redis.call('HGET', rows, id) or '') ~= seen then
    return {}
  end
end
for _ = 1, tonumber(take()) do
  local account = take()
  if #redis.call('ZRANGEBYLEX', KEYS[6], '(' .. account .. ' ', '(' .. account .. '!', 'LIMIT', 0, 1) > 0 then
    return {'0', account}
  end
end
local time = redis.call('TIME')
local last = tonumber(redis.call('HGET', KEYS[1], 'revision') or '0')
local revision = string.format('%.0f', math.max(last + 1, time[1] * 1000 + math.floor(time[2] / 1000)))
for _ = 1, tonumber(take()) do
  local which, id, body, known, owner = take(), take(), take(), take(), take()
  local ids, member = ids_of[which], id
  if which == '3' then
    member = owner .. ' ' .. id
  elseif which == '2' then
    local suspended = body ~= '' and cjson.decode(body).suspended
    redis.call(suspended and 'SADD' or 'SREM', KEYS[12], id)
  end
  if body == '' then
    redis.call('HDEL', KEYS[tonumber(which)], id)
    if ids then
      redis.call('ZREM', ids, member)
    end
  else
    redis.call('HSET', KEYS[tonumber(which)], id, revision .. ' ' .. body)
    if ids then
      redis.call('ZADD', ids, 0, member)
    end
  end
  if known == '1' then
    redis.call('ZADD', KEYS[7], revision, which .. ' ' .. id)
  end
end
redis.call('HSET', KEYS[1], 'revision', revision)
local lost = redis.call('ZREVRANGE', KEYS[7], ARGV[1], ARGV[1], 'WITHSCORES')
if lost[2] then
  redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', lost[2])
  redis.call('HSET', KEYS[1], 'floor', lost[2])
end
return {revision}
