-- One set of questions for all kinds of place.


-- The limit at ARGV[i]: kind, state key, unit, amount, then window and burst, or label, start and end, or window;
-- then what is wanted and what a rate commits on expiry (of a limit on what is new: tokens and fingerprint).
function Place.spec_at(i)
  local spec = { kind = ARGV[i], key = ARGV[i + 1], unit = ARGV[i + 2], amount = tonumber(ARGV[i + 3]) }
  if spec.kind == 'r' then
    spec.window, spec.burst = tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5])
  elseif spec.kind == 'b' then
    spec.label, spec.start, spec.stop = ARGV[i + 4], tonumber(ARGV[i + 5]), tonumber(ARGV[i + 6])
  elseif spec.kind == 'd' then
    spec.window, spec.prompt = tonumber(ARGV[i + 4]), ARGV[i + 8]
  end
  spec.want, spec.late = tonumber(ARGV[i + 7]), tonumber(ARGV[i + 8])
  spec.shadow = string.sub(spec.key, -#SHADOW) == SHADOW
  return spec
end

function Place.is_idle(place, key)
  if place[1] == 'r' then return Bucket.idle(place, key) end
  if place[1] == 'b' then return Budget.idle(place) end
  if place[1] == 'd' then return Distinct.idle(place) end
  return place[LEASES] == 0
end

-- What audit mode keeps under a key; an idle state is the same as none.
function Place.shadow_of(key)
  local shadow = Home.place(key .. SHADOW)
  return shadow and not Place.is_idle(shadow, key .. SHADOW) and shadow
end

-- A new state for a limit: from its shadow if it has just been promoted.
function Place.make(spec)
  local shadow_key = spec.key .. SHADOW
  local shadow = not spec.shadow and Place.shadow_of(spec.key)
  if shadow and shadow[1] ~= spec.kind then shadow = false end
  if spec.kind == 'r' then
    return shadow and Bucket.promoted(shadow, shadow_key, spec.key, spec) or Bucket.new(spec.key, spec)
  elseif spec.kind == 'b' then
    return shadow and Budget.promoted(shadow, spec.key, spec) or Budget.new(spec.key, spec)
  elseif spec.kind == 'd' then
    return shadow and Distinct.promoted(shadow, shadow_key, spec.key) or Distinct.new(spec.key, spec)
  end
  -- Leases that a shadow counts end with their streams; an enforced limit starts empty.
  return Slots.new(spec.key, spec)
end

-- Where a limit is charged now: its place, and a budget's row. Nil if the key is of another kind.
function Place.find(spec)
  local place = Home.place(spec.key) or Place.make(spec)
  if place[1] ~= spec.kind then return nil end
  if spec.kind == 'b' then return place, Budget.current_row(place, spec.key, spec) end
  if spec.kind == 'd' and place[WINDOW] ~= spec.window then return nil end
  if spec.kind == 'r' then
    if not Bucket.same_size(place, spec) then Bucket.resize(place, spec.key, spec) end
  elseif place[AMOUNT] ~= spec.amount then
    place[AMOUNT], touched[spec.key] = spec.amount, true
  end
  return place
end

function Place.fit(place, row, key, amount, prompt)
  if row then return Budget.fit(place, row, amount) end
  if place[1] == 'r' then return Bucket.fit(place, key, amount) end
  if place[1] == 'd' then return Distinct.fit(place, key, prompt, amount) end
  return Slots.fit(place)
end

function Place.read(place, row, key)
  if row then return place[AMOUNT] - row[USED] - row[ROW_HELD], max(0, row[END] - now) end
  if place[1] == 'r' then return Bucket.read(place, key) end
  if place[1] == 'd' then return Distinct.read(place) end
  return place[AMOUNT] - place[LEASES], 0
end

-- A record's part: {kind, key, unit, amount} and, for a rate, {late, held, amount, window, burst};
-- for a budget {label, start, end, amount}; for what is new {sub-window that holds it or -1, window, amount} and, of
-- output, {tokens held, prompt}.
-- Its place may have been dropped as idle: then it is made anew.
local PART_KIND, PART_KEY, PART_UNIT, PART_AMOUNT = 1, 2, 3, 4
local LATE, PART_HELD = 5, 6
local SUB_HELD, TOKENS_HELD, PART_PROMPT = 5, 8, 9

function Place.part_of(spec)
  if spec.kind == 'r' then
    return { 'r', spec.key, spec.unit, spec.want, spec.late, 0, spec.amount, spec.window, spec.burst }
  elseif spec.kind == 'b' then
    return { 'b', spec.key, spec.unit, spec.want, spec.label, spec.start, spec.stop, spec.amount }
  end
  if spec.kind == 'd' then
    local shown = spec.unit == 'q' and spec.want or (spec.prompt == '0' and spec.want == 0) and 0 or 1
    return { 'd', spec.key, spec.unit, shown, -1, spec.window, spec.amount }
  end
  return { 's', spec.key, spec.unit, spec.want, spec.amount }
end

-- The place of a part, and its row. One too long over to be looked at again is made for this call only.
function Place.of_part(part)
  local key = part[PART_KEY]
  local place = Home.place(key)
  if place and place[1] ~= part[PART_KIND] then place = false end
  if part[PART_KIND] == 'r' then
    return place or Bucket.new(key, { amount = part[7], window = part[8], burst = part[9], unit = part[PART_UNIT] })
  elseif part[PART_KIND] == 's' then
    return place or Slots.new(key, { amount = part[5] })
  elseif part[PART_KIND] == 'd' then
    return place or Distinct.new(key, { amount = part[7], window = part[6], unit = part[PART_UNIT] })
  end
  local row = place and Budget.row(place, part[5])
  if not row then
    local long_over = part[7] + KEEP_MS <= now
    place = long_over and { 'b', part[8], '', {} } or place or Budget.new(key, { amount = part[8] })
    row = Budget.add_row(place, part[5], part[6], part[7], 0)
  end
  return place, row
end

-- Debit what `fit` let through.
function Place.take(part, place, row, amount, reserved_at, id, prompt)
  touched[part[PART_KEY]] = true
  if row then
    row[ROW_HELD] = row[ROW_HELD] + amount
  elseif place[1] == 'r' then
    part[PART_HELD] = Bucket.take(place, part[PART_KEY], amount, part[PART_HELD], reserved_at, id)
  elseif place[1] == 'd' then
    Distinct.take(place, part, prompt, amount)
  else
    place[LEASES] = place[LEASES] + 1
  end
end

-- Replace what a part holds by what was used; returns the place.
function Place.settle(part, actual, reserved_at, id)
  local place, row = Place.of_part(part)
  if part[PART_KIND] == 'r' then
    Bucket.settle(place, part[PART_KEY], part[PART_UNIT], part[PART_AMOUNT], actual, part[PART_HELD], reserved_at, id)
  elseif part[PART_KIND] == 'd' then
    Distinct.settle(place, part, actual)
  elseif part[PART_KIND] == 's' then
    place[LEASES], touched[part[PART_KEY]] = max(0, place[LEASES] - 1), true
  else
    row[ROW_HELD] = row[ROW_HELD] - part[PART_AMOUNT]
    Budget.add_used(row, actual)
    History.charge(id, part[PART_KEY], part[PART_LABEL], actual)
    touched[part[PART_KEY]] = true
  end
  return place
end

-- Drop a place that equals none.
function Place.drop_if_idle(key)
  local place = key ~= META and Home.place(key)
  if not place then return end
  if place[1] == 'b' then Budget.prune(place, key) end
  if place[1] == 'd' then Distinct.forget(place, key) end
  -- Made again beside its shadow, a limit would start as the shadow stands: only a promotion may do that.
  if Place.is_idle(place, key) and not Place.shadow_of(key) then
    if place[1] == 'd' then Distinct.drop(key) end
    places[key], touched[key] = false, true
  end
end
