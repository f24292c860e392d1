-- Reading without changing anything.

function Look.peek()
  local specs, refusal = Ledger.limits()
  if not specs then return refusal end
  local out = {}
  for i, spec in ipairs(specs) do
    local place, row = Place.find(spec)
    if not place then return Ledger.unchanged('mistake', i) end
    local left, reset = Place.read(place, row, spec.key)
    out[#out + 1] = Ledger.exact(left) .. ' ' .. Ledger.exact(reset) .. ' 0'
    places[spec.key], due_of[spec.key] = nil, nil
    holds = {}
  end
  return Ledger.unchanged('verdict', '1 ' .. table.concat(out, ' '))
end

-- Open reservations, at most `limit`: {sequence number, id, reserved at, expires at, key, unit, amount, ...}.
function Look.held(limit)
  local out = {}
  for _, id in ipairs(call('ZRANGE', T, 0, limit - 1)) do
    local record = Home.record(id)
    if record and record[STATE] == OPEN_STATE then
      local exact = Ledger.exact
      local row = { exact(record[AT_SEQ]), id, exact(record[RESERVED_AT]), exact(record[EXPIRES_AT]) }
      for _, part in ipairs(record[PARTS]) do
        row[#row + 1], row[#row + 2], row[#row + 3] = part[PART_KEY], part[PART_UNIT], Ledger.exact(part[PART_AMOUNT])
      end
      out[#out + 1] = row
    end
  end
  return out
end
