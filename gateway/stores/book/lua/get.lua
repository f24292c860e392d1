-- Rows by name, '' for those that are not there. ARGV: which of KEYS and id, for each.
local rows = {}
for i = 1, #ARGV, 2 do
  rows[#rows + 1] = redis.call('HGET', KEYS[tonumber(ARGV[i])], ARGV[i + 1]) or ''
end
return rows
