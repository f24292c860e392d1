-- A page in the order of ids: {id, row, id, row, ...}.
-- ARGV: which of KEYS has the rows, which the ids, first, last, count, and how much of a member comes before the id.
local page = {}
for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[tonumber(ARGV[2])], ARGV[3], ARGV[4], 'LIMIT', 0, ARGV[5])) do
  local id = string.sub(member, ARGV[6] + 1)
  page[#page + 1] = id
  page[#page + 1] = redis.call('HGET', KEYS[tonumber(ARGV[1])], id)
end
return page
