-- ARGV: operation, now in ms (empty: Redis' own clock), idle places to look at, then what the operation takes.

local looks = tonumber(ARGV[3])
local operation = ARGV[1]
-- The state of all the limits that are asked about, and the format version, in one go.
local fields = { META }
if operation == 'reserve' or operation == 'peek' then
  for i = FIRST_LIMIT, #ARGV, LIMIT_ARGS do fields[#fields + 1] = ARGV[i + 1] end
end
local raw = call('HMGET', S, unpack(fields))
local unknown = Home.fetch_meta(raw[1])
if unknown then return unknown end
for i = 2, #fields do places[fields[i]] = raw[i] and unpack_(raw[i]) end

if operation == 'reserve' then return Ledger.reserve(ARGV[4], tonumber(ARGV[5]), looks) end
if operation == 'top_up' then return Ledger.top_up(ARGV[4], tonumber(ARGV[5]), Ledger.amounts_from(6)) end
if operation == 'settle' then
  Ledger.end_record(ARGV[4], Ledger.amounts_from(5))
  return Ledger.line('done', '')
end
if operation == 'cancel' then return Ledger.cancel(ARGV[4], ARGV[5] == '1') end
if operation == 'renew' then return Ledger.renew(tonumber(ARGV[4]), looks, 5) end
if operation == 'peek' then return Look.peek() end
if operation == 'verify' then return History.verify() end
if operation == 'held' then return Look.held(tonumber(ARGV[4])) end
return redis.error_reply('GWFORMAT unknown operation ' .. tostring(operation))
