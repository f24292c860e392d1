-- A key with its account and org: {revision, key row, account id, account row, org row or empty}, or {revision}.
-- KEYS: meta, accounts, keys, orgs, account ids, key ids, changes; redis.py has the rest. ARGV: key id. A row is 'VERSION BODY'.
local function member(row, name)
  return cjson.decode(string.match(row, '^%d+ (.*)$'))[name]
end
local revision = redis.call('HGET', KEYS[1], 'revision') or '0'
local key = redis.call('HGET', KEYS[3], ARGV[1])
if not key then
  return {revision}
end
local account_id = member(key, 'account')
local account = redis.call('HGET', KEYS[2], account_id)
if not account then
  return {revision}
end
return {revision, key, account_id, account, redis.call('HGET', KEYS[4], member(account, 'org')) or ''}
