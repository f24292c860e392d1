-- What every budget was charged, in order: an entry when a reservation ends, in the same step as the counter.
--   L stream  the newest entries: who charged it, then "state key NUL period label" with the amount, for each budget
--   C hash    the sum of older ones, by "state key NUL period label"
-- Checkpoint + entries + what is open is what each counter says; `verify` compares.

local MOST_ENTRIES, SUMMED_AT_ONCE = 10000, 500
local PART_LABEL = 5

-- A budget's period was charged for good; a late correction may be negative. A row that is kept nowhere has no history.
function History.charge(by, key, label, amount)
  local place = places[key]
  if amount == 0 or not place then return end
  for _, row in ipairs(place[ROWS]) do
    if row[LABEL] == label then History.note(by, key, label, amount) end
  end
end

function History.note(by, key, label, amount)
  local list = entries[by] or { '', by }
  list[#list + 1], list[#list + 2] = key .. '\0' .. label, string.format('%.0f', amount)
  entries[by] = list
end

function History.add(sums, list)
  for i = 3, #list, 2 do sums[list[i]] = (sums[list[i]] or 0) + tonumber(list[i + 1]) end
end

-- Sum up the oldest entries in the checkpoint, a bounded number at a time.
function History.compact()
  local surplus = call('XLEN', L) - MOST_ENTRIES
  if surplus < SUMMED_AT_ONCE then return end
  local sums = {}
  for _, entry in ipairs(call('XRANGE', L, '-', '+', 'COUNT', SUMMED_AT_ONCE)) do History.add(sums, entry[2]) end
  for member, sum in pairs(sums) do
    if call('HINCRBY', C, member, string.format('%.0f', sum)) == 0 then call('HDEL', C, member) end
  end
  call('XTRIM', L, 'MAXLEN', MOST_ENTRIES + surplus - SUMMED_AT_ONCE)
  Home.keep(C, floor(now / DAY_MS))
end

-- {budgets' periods, entries, sequence number, then for each mismatch: state key, label, counted, explained}
function History.verify()
  local sums, counted = {}, 0
  local checkpoint = call('HGETALL', C)
  for i = 1, #checkpoint, 2 do sums[checkpoint[i]] = tonumber(checkpoint[i + 1]) end
  for _, entry in ipairs(call('XRANGE', L, '-', '+')) do History.add(sums, entry[2]) end
  for _, id in ipairs(call('ZRANGE', T, 0, -1)) do
    local record = Home.record(id)
    for _, part in ipairs(record and record[PARTS] or {}) do
      local member = part[PART_KIND] == 'b' and part[PART_KEY] .. '\0' .. part[PART_LABEL]
      if member then sums[member] = (sums[member] or 0) + part[PART_AMOUNT] end
    end
  end
  local out = { 0, call('XLEN', L), seq }
  local state = call('HGETALL', S)
  for i = 1, #state, 2 do
    local place = state[i] ~= META and unpack_(state[i + 1])
    for _, row in ipairs(place and place[1] == 'b' and place[ROWS] or {}) do
      counted = counted + 1
      local counts, explained = row[USED] + row[ROW_HELD], sums[state[i] .. '\0' .. row[LABEL]] or 0
      if explained ~= counts then
        local at = #out
        out[at + 1], out[at + 2] = state[i], row[LABEL]
        out[at + 3], out[at + 4] = string.format('%.0f', counts), string.format('%.0f', explained)
      end
    end
  end
  out[1] = counted
  return out
end
