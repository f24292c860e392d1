-- The operations of gateway/engine/ledger.py. Each answers with one line of text:
-- kind, sequence number, 1 if it wrote, now, expired reservations, clamped debts, then what the kind brings.

local SWEEP, RENEW_SWEEP = 8, 64
local SETTLED_MS, LATE_MS = 120000, 3600000
local OPEN_STATE, SETTLED, EXPIRED = 1, 2, 3
local STATE, RESERVED_AT, EXPIRES_AT, AT_SEQ, PARTS, ANSWER, TOP_UPS, TOP_ANSWER = 1, 2, 3, 4, 5, 6, 7, 8
local FIRST_LIMIT, LIMIT_ARGS = 6, 9

-- A number as text, to the last digit: Lua itself shows fourteen.
function Ledger.exact(number)
  if number < 1e14 and number > -1e14 then return number .. '' end
  return string.format('%.0f', number)
end

function Ledger.line(kind, rest)
  local wrote = Home.commit() and 1 or 0
  local debts = #clamped > 0 and table.concat(clamped, ',') or '-'
  return table.concat({ kind, Ledger.exact(seq), wrote, Ledger.exact(now), expired, debts, rest }, ' ')
end

-- A refusal that must change nothing, not even what was swept on the way.
function Ledger.unchanged(kind, rest)
  return table.concat({ kind, Ledger.exact(seq), 0, Ledger.exact(now), 0, '-', rest }, ' ')
end

function Ledger.tombstone(id, record, until_ms)
  Home.put_record(id, record)
  expiries[id], ends[id] = false, until_ms
end

-- Budgets commit what was reserved, rates what was named for this case, slots free; a tombstone stays.
function Ledger.expire_one(id, record)
  local commits = {}
  for _, part in ipairs(record[PARTS]) do
    local rate = part[PART_KIND] == 'r'
    local amount = rate and part[LATE] or part[PART_AMOUNT]
    local place = Place.settle(part, amount, record[RESERVED_AT], id)
    if rate then
      part[PART_AMOUNT], part[LATE] = amount, Bucket.spent_since(place, record[RESERVED_AT])
    end
    if rate or part[PART_KIND] == 'b' then commits[#commits + 1] = part end
  end
  Ledger.tombstone(id, { EXPIRED, record[RESERVED_AT], now + LATE_MS, record[AT_SEQ], commits }, now + LATE_MS)
  expired = expired + 1
end

function Ledger.expire(at_most)
  if at_most < 1 then return end
  for _, id in ipairs(call('ZRANGEBYSCORE', T, '-inf', now, 'LIMIT', 0, at_most)) do
    local record = Home.record(id)
    if record and record[STATE] == OPEN_STATE then Ledger.expire_one(id, record) else expiries[id] = false end
  end
end

function Ledger.forget(at_most, looks)
  -- Tests that set the clock back keep what a later clock would have dropped.
  if looks ~= 0 then
    -- Two kinds of score (see distinct.lua) that meet at zero: what is due is around it.
    local paid = 1 - (floor(now / MINUTE_MS) + 1) * PAID
    local gone = call('ZRANGEBYSCORE', P, paid, now, 'LIMIT', 0, at_most * 2)
    for _, member in ipairs(gone) do prompts[member] = false end
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', D, '-inf', now, 'LIMIT', 0, at_most)) do
    Home.put_record(id, false)
    ends[id] = false
  end
end

function Ledger.drop_idle(looks)
  if looks == 0 then return end
  local keys = looks < 0 and call('HKEYS', S) or call('HRANDFIELD', S, looks)
  for _, key in ipairs(keys) do Place.drop_if_idle(key) end
end

-- The open reservation of that id; one past its expiry is ended first, whatever the sweep has reached.
function Ledger.open_record(id)
  local record = Home.record(id)
  if not record or record[STATE] ~= OPEN_STATE then return nil end
  if record[EXPIRES_AT] <= now then
    Ledger.expire_one(id, record)
    return nil
  end
  return record
end

function Ledger.readings(found, waits)
  local out = {}
  for i, entry in ipairs(found) do
    local left, reset = Place.read(entry[1], entry[2], entry[3])
    out[#out + 1] = Ledger.exact(left) .. ' ' .. Ledger.exact(reset) .. ' ' .. Ledger.exact(waits[i])
  end
  return table.concat(out, ' ')
end

-- The limits that a call names; nil and an answer if one cannot be decided on.
function Ledger.limits()
  local specs = {}
  for i = FIRST_LIMIT, #ARGV, LIMIT_ARGS do
    local spec = Place.spec_at(i)
    if spec.kind == 'b' and not (spec.start <= now and now < spec.stop) then
      return nil, Ledger.unchanged('respan', '')
    end
    specs[#specs + 1] = spec
  end
  return specs
end

function Ledger.reserve(id, ttl, looks)
  local known = Home.record(id)
  if known then
    if known[STATE] == OPEN_STATE then return Ledger.unchanged('verdict', known[ANSWER]) end
    return Ledger.unchanged('past', '')
  end
  local specs, refusal = Ledger.limits()
  if not specs then return refusal end
  Ledger.expire(SWEEP)
  Ledger.forget(SWEEP, looks)
  local found, waits, failing = {}, {}, false
  for i, spec in ipairs(specs) do
    local place, row = Place.find(spec)
    if not place then return Ledger.unchanged('mistake', i) end
    waits[i] = Place.fit(place, row, spec.key, spec.want, spec.prompt)
    found[i] = { place, row, spec.key }
    failing = failing or (waits[i] ~= 0 and not spec.shadow)
  end
  if failing then return Ledger.line('verdict', '0 ' .. Ledger.readings(found, waits)) end
  local parts = {}
  for i, spec in ipairs(specs) do
    if waits[i] == 0 then
      local part = Place.part_of(spec)
      Place.take(part, found[i][1], found[i][2], spec.want, now, id, spec.prompt)
      if spec.kind == 'r' then found[i][1][OPEN] = found[i][1][OPEN] + 1 end
      parts[#parts + 1] = part
    end
  end
  local answer = '1 ' .. Ledger.readings(found, waits)
  Home.put_record(id, { OPEN_STATE, now, now + ttl, seq + 1, parts, answer, 0, '' })
  expiries[id] = now + ttl
  Ledger.drop_idle(looks)
  return Ledger.line('verdict', answer)
end

-- `serial` counts the top-ups of a reservation from 1: the same one again finds its answer.
function Ledger.top_up(id, serial, amounts)
  local record = Ledger.open_record(id)
  if not record then return Ledger.line('gone', '') end
  if record[TOP_UPS] == serial then return Ledger.unchanged('verdict', record[TOP_ANSWER]) end
  local found, waits, failing = {}, {}, false
  for i, part in ipairs(record[PARTS]) do
    local kind = part[PART_KIND]
    local amount = (kind == 'r' or kind == 'b') and amounts[part[PART_UNIT]] or 0
    local place, row = Place.of_part(part)
    -- Only what asks for more is checked: a spent budget of another unit does not stop a stream.
    waits[i] = amount > 0 and Place.fit(place, row, part[PART_KEY], amount) or 0
    found[i] = { place, row, part[PART_KEY], amount }
    failing = failing or (waits[i] ~= 0 and string.sub(part[PART_KEY], -#SHADOW) ~= SHADOW)
  end
  if failing then return Ledger.line('verdict', '0 ' .. Ledger.readings(found, waits)) end
  for i, part in ipairs(record[PARTS]) do
    local amount = found[i][4]
    if waits[i] == 0 and amount > 0 then
      Place.take(part, found[i][1], found[i][2], amount, record[RESERVED_AT], id)
      part[PART_AMOUNT] = part[PART_AMOUNT] + amount
    end
  end
  record[TOP_UPS], record[TOP_ANSWER] = serial, '1 ' .. Ledger.readings(found, waits)
  Home.put_record(id, record)
  return Ledger.line('verdict', record[TOP_ANSWER])
end

-- Replace what was reserved by what was used, once; after expiry the difference to what that committed.
function Ledger.end_record(id, amounts)
  local record = Ledger.open_record(id) or Home.record(id)
  if not record or record[STATE] == SETTLED then return end
  for _, part in ipairs(record[PARTS]) do
    local actual = amounts[part[PART_UNIT]] or 0
    if record[STATE] == OPEN_STATE then
      Place.settle(part, actual, record[RESERVED_AT], id)
    else
      local place, row = Place.of_part(part)
      if part[PART_KIND] == 'r' then
        Bucket.correct(place, part[PART_KEY], part[PART_UNIT], part[PART_AMOUNT], actual, part[LATE])
      else
        Budget.add_used(row, actual - part[PART_AMOUNT])
        History.charge(id, part[PART_KEY], part[PART_LABEL], actual - part[PART_AMOUNT])
        touched[part[PART_KEY]] = true
      end
    end
  end
  Ledger.tombstone(id, { SETTLED }, now + SETTLED_MS)
end

-- As if the reservation had been denied. With `bar` the id is refused from then on, also if it was never seen:
-- a reserve that is still on its way must not be admitted after its caller has given up.
function Ledger.cancel(id, bar)
  if Home.record(id) then
    Ledger.end_record(id, {})
    if not bar then
      Home.put_record(id, false)
      expiries[id], ends[id] = false, false
    end
  elseif bar then
    Ledger.tombstone(id, { SETTLED }, now + SETTLED_MS)
  end
  return Ledger.line('done', '')
end

-- Push the expiry of open reservations to now + ttl, never nearer, and tidy up.
function Ledger.renew(ttl, looks, first)
  for i = first, #ARGV do
    local record = Ledger.open_record(ARGV[i])
    if record and record[EXPIRES_AT] < now + ttl then
      record[EXPIRES_AT] = now + ttl
      Home.put_record(ARGV[i], record)
      expiries[ARGV[i]] = now + ttl
    end
  end
  -- The sweep must see what is not written yet: what was just renewed or ended is none of its business.
  local before = expired
  for _, id in ipairs(call('ZRANGEBYSCORE', T, '-inf', now, 'LIMIT', 0, RENEW_SWEEP + #ARGV)) do
    local record = Home.record(id)
    if expired - before < RENEW_SWEEP and expiries[id] == nil and record and record[STATE] == OPEN_STATE then
      Ledger.expire_one(id, record)
    end
  end
  Ledger.forget(RENEW_SWEEP, looks)
  Ledger.drop_idle(looks)
  local answer = Ledger.line('done', '')
  History.compact()
  return answer
end

-- Amounts by unit: ARGV from i on, a unit's code before each number.
function Ledger.amounts_from(i)
  local amounts = {}
  for j = i, #ARGV, 2 do amounts[ARGV[j]] = tonumber(ARGV[j + 1]) end
  return amounts
end
