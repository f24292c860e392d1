-- Rates: the token bucket of gateway/engine/bucket.py. One unit is P credits, a tick refills `amount` credits.
-- {kind, amount, window, burst, counts requests, level, tick, held units, open reservations, oldest hold at most,
-- milliseconds in a tick, P}

local AMOUNT, WINDOW, BURST, REQUESTS, LEVEL, TICK, HELD = 2, 3, 4, 5, 6, 7, 8
local OPEN, OLDEST, TICK_MS, CREDITS = 9, 10, 11, 12
local DEBT = 2
local FAR = 9007199254740992

function Bucket.configure(bucket, spec)
  bucket[AMOUNT], bucket[WINDOW], bucket[BURST] = spec.amount, spec.window, spec.burst
  bucket[REQUESTS] = spec.unit == 'r' and 1 or 0
  bucket[TICK_MS] = spec.window >= 3600 and 1000 or 1
  bucket[CREDITS] = spec.window * 1000 / bucket[TICK_MS]
end

function Bucket.tick_now(bucket) return floor(now / bucket[TICK_MS]) end

-- The tick from which a reservation counts as spent: after a window, for requests at once.
function Bucket.over(bucket, reserved_at)
  return floor(reserved_at / bucket[TICK_MS]) + (bucket[REQUESTS] == 1 and 0 or bucket[CREDITS])
end

function Bucket.member(key, reserved_at, units, id)
  return string.format('%s\0%016.0f\0%.0f\0%s', key, reserved_at, units, id)
end

function Bucket.is_held(member)
  if holds[member] ~= nil then return holds[member] end
  return call('ZSCORE', H, member) and true or false
end

-- The holds that have passed their window by now, the oldest first: {reserved at, units, member}.
function Bucket.due(bucket, key)
  local list = due_of[key]
  if list then return list end
  list = {}
  due_of[key] = list
  local first = Bucket.over(bucket, 0)
  local before = (Bucket.tick_now(bucket) - first + 1) * bucket[TICK_MS]
  if bucket[HELD] == 0 or before <= bucket[OLDEST] then return list end
  looked[key] = true
  local from = #key + 2
  for _, member in ipairs(call('ZRANGEBYLEX', H, '[' .. key .. '\0', string.format('(%s\0%016.0f', key, before))) do
    if holds[member] ~= false then
      local stop = string.find(member, '\0', from + 17, true)
      list[#list + 1] =
        { tonumber(string.sub(member, from, from + 15)), tonumber(string.sub(member, from + 17, stop - 1)), member }
    end
  end
  return list
end

-- The level after `ticks` of refill with so much held all the while.
function Bucket.after(bucket, level, held, ticks)
  local room = (bucket[BURST] - held) * bucket[CREDITS]
  local per_tick = bucket[AMOUNT]
  if level >= room or per_tick == 0 then return level end
  if ticks > floor((room - level) / per_tick) then return room end
  return level + ticks * per_tick
end

function Bucket.refilled(bucket, key)
  local stop, tick, level = Bucket.tick_now(bucket), bucket[TICK], bucket[LEVEL]
  if stop <= tick then return level end
  local held = bucket[HELD]
  for _, hold in ipairs(Bucket.due(bucket, key)) do
    local ends_at = Bucket.over(bucket, hold[1])
    if ends_at > tick then
      level = Bucket.after(bucket, level, held, ends_at - tick)
      tick = ends_at
    end
    held = held - hold[2]
  end
  return Bucket.after(bucket, level, held, stop - tick)
end

-- Move on to now, after the level was refilled up to it: holds of a window ago end.
function Bucket.let_go(bucket, key)
  local list = Bucket.due(bucket, key)
  for _, hold in ipairs(list) do
    bucket[HELD] = bucket[HELD] - hold[2]
    holds[hold[3]] = false
  end
  if looked[key] then
    local past = #list > 0 and list[#list][3] or key .. '\0'
    local nxt = call('ZRANGEBYLEX', H, '(' .. past, '(' .. key .. '\1', 'LIMIT', 0, 1)[1]
    bucket[OLDEST] = nxt and tonumber(string.sub(nxt, #key + 2, #key + 17)) or FAR
    looked[key] = nil
  end
  due_of[key] = {}
  local stop = Bucket.tick_now(bucket)
  -- A clock back by more than the window would starve the bucket: start over from the new time.
  if stop > bucket[TICK] or bucket[TICK] - stop > bucket[CREDITS] then bucket[TICK] = stop end
  touched[key] = true
end

function Bucket.advance(bucket, key)
  bucket[LEVEL] = Bucket.refilled(bucket, key)
  Bucket.let_go(bucket, key)
end

function Bucket.new(key, spec)
  local bucket = { 'r', 0, 0, 0, 0, 0, 0, 0, 0, FAR, 0, 0 }
  Bucket.configure(bucket, spec)
  bucket[LEVEL] = spec.burst * bucket[CREDITS]
  bucket[TICK] = Bucket.tick_now(bucket)
  places[key], touched[key] = bucket, true
  return bucket
end

function Bucket.idle(bucket, key)
  return bucket[OPEN] == 0 and Bucket.tick_now(bucket) - bucket[TICK] >= bucket[CREDITS]
    and Bucket.refilled(bucket, key) >= bucket[BURST] * bucket[CREDITS]
end

-- Usage survives a limit change: the level is clamped down, never raised; a new P rescales with floor.
function Bucket.resize(bucket, key, spec)
  local idle = Bucket.idle(bucket, key)
  Bucket.advance(bucket, key)
  local p, at_ms = bucket[CREDITS], bucket[TICK] * bucket[TICK_MS]
  Bucket.configure(bucket, spec)
  local wider = bucket[CREDITS]
  if idle then
    bucket[LEVEL], bucket[TICK] = spec.burst * wider, Bucket.tick_now(bucket)
  elseif wider ~= p then
    -- floor(level × wider / p) without a product beyond 2^53.
    local units = floor(bucket[LEVEL] / p)
    bucket[LEVEL] = units * wider + floor((bucket[LEVEL] - units * p) * wider / p)
    bucket[TICK] = ceil(at_ms / bucket[TICK_MS])
  end
  bucket[LEVEL] = min(bucket[LEVEL], spec.burst * wider)
  due_of[key] = nil
end

function Bucket.same_size(bucket, spec)
  return bucket[AMOUNT] == spec.amount and bucket[WINDOW] == spec.window and bucket[BURST] == spec.burst
    and (bucket[REQUESTS] == 1) == (spec.unit == 'r')
end

-- An enforced bucket that starts where its shadow is, without its debt.
function Bucket.promoted(shadow, shadow_key, key, spec)
  local twin = {}
  for i = 1, #shadow do twin[i] = shadow[i] end
  twin[LEVEL] = Bucket.refilled(twin, shadow_key)
  local stop = Bucket.tick_now(twin)
  if stop > twin[TICK] or twin[TICK] - stop > twin[CREDITS] then twin[TICK] = stop end
  twin[HELD], twin[OPEN], twin[OLDEST], twin[LEVEL] = 0, 0, FAR, max(0, twin[LEVEL])
  places[key], touched[key] = twin, true
  if not Bucket.same_size(twin, spec) then Bucket.resize(twin, key, spec) end
  return twin
end

function Bucket.ms_for(bucket, missing)
  local ticks = ceil(missing / bucket[AMOUNT])
  return (max(bucket[TICK], Bucket.tick_now(bucket)) + ticks) * bucket[TICK_MS] - now
end

-- 0 if `amount` fits, the milliseconds until it would, -1 if it never will.
function Bucket.fit(bucket, key, amount)
  local stop = Bucket.tick_now(bucket)
  if bucket[TICK] - stop > bucket[CREDITS] then
    bucket[TICK], touched[key] = stop, true
  end
  if #Bucket.due(bucket, key) > 0 then Bucket.advance(bucket, key) end
  local level = Bucket.refilled(bucket, key)
  seen[key] = level
  local lacking = amount * bucket[CREDITS] - level
  if lacking <= 0 or amount == 0 then return 0 end
  if amount > bucket[BURST] or bucket[AMOUNT] == 0 then return -1 end
  return Bucket.ms_for(bucket, lacking)
end

-- Keep refill out of the room of `amount` until a window after the reservation; returns the units held of it now.
function Bucket.hold(bucket, key, amount, before, reserved_at, id)
  local old = before > 0 and Bucket.member(key, reserved_at, before, id)
  if old and not Bucket.is_held(old) then before = 0 end
  if amount == 0 or bucket[REQUESTS] == 1 or Bucket.over(bucket, reserved_at) <= bucket[TICK] then return before end
  if before > 0 then holds[old] = false end
  holds[Bucket.member(key, reserved_at, before + amount, id)] = true
  bucket[HELD] = bucket[HELD] + amount
  bucket[OLDEST] = min(bucket[OLDEST], reserved_at)
  return before + amount
end

-- Debit and hold `amount`, right after `fit`.
function Bucket.take(bucket, key, amount, before, reserved_at, id)
  bucket[LEVEL] = seen[key] - amount * bucket[CREDITS]
  Bucket.let_go(bucket, key)
  return Bucket.hold(bucket, key, amount, before, reserved_at, id)
end

function Bucket.apply(bucket, key, unit, units_back, not_back)
  local p = bucket[CREDITS]
  local size = bucket[BURST] * p
  local before = bucket[LEVEL]
  if units_back >= 0 then
    -- Only a burst lowered while this was held can make the clamp bite; it never lowers the level.
    local change = max(0, units_back * p - not_back)
    if change > 0 then
      bucket[LEVEL] = min(before + change, max(before, size - bucket[HELD] * p))
    end
  else
    -- In two steps, so that no product passes 2^53 before the clamp has had its say.
    local debit = -units_back
    local half = floor(debit / 2)
    local level = before - half * p
    level = level - (debit - half) * p
    local least = min(before, -DEBT * size)
    if level < least then
      clamped[#clamped + 1] = unit .. ':' .. string.format('%.0f', ceil((least - level) / p))
      level = least
    end
    bucket[LEVEL] = level
  end
  touched[key] = true
end

-- Since when (ms) refill may have entered what a reservation took, now that it is not held.
function Bucket.spent_since(bucket, reserved_at)
  return min(bucket[TICK], Bucket.over(bucket, reserved_at)) * bucket[TICK_MS]
end

-- Replace a hold by what was used.
function Bucket.settle(bucket, key, unit, reserved, actual, held, reserved_at, id)
  Bucket.advance(bucket, key)
  bucket[OPEN] = max(0, bucket[OPEN] - 1)
  local not_back = 0
  local member = held > 0 and Bucket.member(key, reserved_at, held, id)
  if member and Bucket.is_held(member) then
    holds[member] = false
    bucket[HELD] = bucket[HELD] - held
  else
    not_back = (bucket[TICK] - Bucket.spent_since(bucket, reserved_at) / bucket[TICK_MS]) * bucket[AMOUNT]
  end
  Bucket.apply(bucket, key, unit, reserved - actual, not_back)
end

-- A settle that came after expiry had committed `committed`, spent since `since` (ms).
function Bucket.correct(bucket, key, unit, committed, actual, since)
  Bucket.advance(bucket, key)
  local ticks = ceil((bucket[TICK] * bucket[TICK_MS] - since) / bucket[TICK_MS])
  Bucket.apply(bucket, key, unit, committed - actual, ticks >= 0 and ticks * bucket[AMOUNT] or EXACT * 2)
end

function Bucket.read(bucket, key)
  local level = Bucket.refilled(bucket, key)
  local missing = bucket[BURST] * bucket[CREDITS] - level
  local reset = (missing > 0 and bucket[AMOUNT] > 0) and Bucket.ms_for(bucket, missing) or 0
  return floor(level / bucket[CREDITS]), reset
end
