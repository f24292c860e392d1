-- Limits on what is new: gateway/engine/distinct.py. The window hops in 32 sub-windows of W/31.
-- {kind, amount, window, counts tokens, newest sub-window, open reservations that hold output, subs}
-- subs: {sub-window, prompts last used in it, tokens or false}, the oldest first, at most 32.
-- The prompts are in P: "state key NUL fingerprint", by the time (ms) at which each leaves the window. One whose
-- output is paid has a score below zero: that time in minutes, rounded up, times PAID, plus the tokens paid.

local COUNTS_TOKENS, NEWEST, HOLDERS, SUBS = 4, 5, 6, 7
local SUB, PROMPTS, TOKENS = 1, 2, 3
local SUB_WINDOWS = 32
local MAX_REMEMBERED = 100000
local PAID, MINUTE_MS = 134217728, 60000

function Distinct.hop_ms(place) return ceil(place[WINDOW] * 1000 / (SUB_WINDOWS - 1)) end

-- The running sub-window: the clock's, or the newest one while the clock is at most a window behind it.
function Distinct.running(place)
  local sub, newest = floor(now / Distinct.hop_ms(place)), place[NEWEST]
  if newest - SUB_WINDOWS <= sub and sub <= newest then return newest end
  return sub
end

function Distinct.new(key, spec)
  places[key] = { 'd', spec.amount, spec.window, spec.unit == 'q' and 1 or 0, 0, 0, {} }
  touched[key] = true
  return places[key]
end

function Distinct.member(key, prompt) return key .. '\0' .. prompt end

function Distinct.score(place, sub, paid)
  local leaves = (sub + SUB_WINDOWS) * Distinct.hop_ms(place)
  if paid == 0 then return leaves end
  return -(ceil(leaves / MINUTE_MS) * PAID + min(paid, PAID - 1))
end

-- The sub-window and what is paid, of a score. A hop is longer than a minute, so that rounding up loses nothing.
function Distinct.scored(place, score)
  local leaves, paid = score, 0
  if score < 0 then leaves, paid = floor(-score / PAID) * MINUTE_MS, -score % PAID end
  return floor(leaves / Distinct.hop_ms(place)) - SUB_WINDOWS, paid
end

-- Every prompt of a limit and its score, false for one that is about to go. Walks over all prompts of the home.
function Distinct.scores(key)
  local prefix, found = Distinct.member(key, ''), {}
  local function note(member, score)
    if string.sub(member, 1, #prefix) == prefix then found[string.sub(member, #prefix + 1)] = score end
  end
  local all = call('ZRANGE', P, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do note(all[i], tonumber(all[i + 1])) end
  for member, score in pairs(prompts) do note(member, score) end
  return found
end

-- Drop what has left the window; what would stay in it because the clock had leapt ahead counts from now.
function Distinct.forget(place, key)
  local sub = Distinct.running(place)
  if sub == place[NEWEST] then return end
  if sub < place[NEWEST] then return Distinct.redate(place, key, sub) end
  local kept = {}
  for _, entry in ipairs(place[SUBS]) do
    if entry[SUB] > sub - SUB_WINDOWS then kept[#kept + 1] = entry end
  end
  place[NEWEST], place[SUBS], touched[key] = sub, kept, true
end

-- Walks over the home's prompts and open reservations, once for a clock that came back.
function Distinct.redate(place, key, sub)
  local last, all = place[NEWEST] - SUB_WINDOWS, { sub, 0, false }
  for _, entry in ipairs(place[SUBS]) do
    all[PROMPTS] = all[PROMPTS] + entry[PROMPTS]
    if entry[TOKENS] then all[TOKENS] = (all[TOKENS] or 0) + entry[TOKENS] end
  end
  for prompt, score in pairs(Distinct.scores(key)) do
    local used_in, paid = Distinct.scored(place, score or 0)
    prompts[Distinct.member(key, prompt)] = used_in > last and Distinct.score(place, sub, paid)
  end
  for _, id in ipairs(call('ZRANGE', T, 0, -1)) do
    local record = Home.record(id)
    for _, part in ipairs(record and record[STATE] == OPEN_STATE and record[PARTS] or {}) do
      if part[PART_KIND] == 'd' and part[PART_KEY] == key and part[SUB_HELD] >= 0 then
        -- What has left is in no sub-window: 0 is long over, whatever the clock does.
        part[SUB_HELD] = part[SUB_HELD] > last and sub or 0
        Home.put_record(id, record)
      end
    end
  end
  place[NEWEST], place[SUBS], touched[key] = sub, #place[SUBS] > 0 and { all } or {}, true
end

-- The entry of the sub-window in which a prompt was last used and what is paid for it; false and 0 if it is new.
function Distinct.known(place, key, prompt)
  local member = Distinct.member(key, prompt)
  local score = prompts[member]
  if score == nil then
    local found = call('ZSCORE', P, member)
    score = found and tonumber(found)
  end
  if not score then return false, 0 end
  local sub, paid = Distinct.scored(place, score)
  for _, entry in ipairs(place[SUBS]) do
    if entry[SUB] == sub then return entry, paid end
  end
  return false, 0
end

function Distinct.count(place, entry)
  if place[COUNTS_TOKENS] == 1 then return entry[TOKENS] or 0 end
  return entry[PROMPTS]
end

function Distinct.total(place, from)
  local sum = 0
  for _, entry in ipairs(place[SUBS]) do
    if entry[SUB] > from then sum = sum + Distinct.count(place, entry) end
  end
  return sum
end

function Distinct.entry(place, sub)
  local subs = place[SUBS]
  local newest = subs[#subs]
  if newest and newest[SUB] == sub then return newest end
  subs[#subs + 1] = { sub, 0, false }
  return subs[#subs]
end

function Distinct.fit(place, key, prompt, tokens)
  Distinct.forget(place, key)
  if prompt == '0' and tokens == 0 then return 0 end
  local before, paid = Distinct.known(place, key, prompt)
  local cost = before and 0 or 1
  if place[COUNTS_TOKENS] == 1 then cost = max(0, tokens - paid) end
  if cost == 0 then return 0 end
  local over = Distinct.total(place, 0) + cost - place[AMOUNT]
  if over <= 0 then return 0 end
  if cost > place[AMOUNT] then return -1 end
  local left = 0
  for _, entry in ipairs(place[SUBS]) do
    left = left + Distinct.count(place, entry)
    if left >= over then return max(1, (entry[SUB] + SUB_WINDOWS) * Distinct.hop_ms(place) - now) end
  end
  return -1
end

-- Remember the prompt, and hold its tokens that are not paid, right after `fit`.
function Distinct.take(place, part, prompt, tokens)
  if prompt == '0' and tokens == 0 then return end
  local key, sub = part[PART_KEY], place[NEWEST]
  local before, paid = Distinct.known(place, key, prompt)
  local entry = Distinct.entry(place, sub)
  touched[key] = true
  local remembered = 0
  for _, other in ipairs(place[SUBS]) do remembered = remembered + other[PROMPTS] end
  -- A prompt beyond what is remembered counts again when it comes again: the error is on the side of the limit.
  if before or remembered < MAX_REMEMBERED then
    if before then before[PROMPTS] = before[PROMPTS] - 1 end
    entry[PROMPTS] = entry[PROMPTS] + 1
    prompts[Distinct.member(key, prompt)] = Distinct.score(place, sub, paid)
  end
  if place[COUNTS_TOKENS] == 0 then return end
  local held = max(0, tokens - paid)
  entry[TOKENS] = (entry[TOKENS] or 0) + held
  place[HOLDERS] = place[HOLDERS] + 1
  part[SUB_HELD], part[TOKENS_HELD], part[PART_PROMPT] = sub, held, prompt
end

-- Replace held tokens by what was written beyond what is paid; a prompt stays.
function Distinct.settle(place, part, actual)
  if part[SUB_HELD] < 0 then return end
  local key = part[PART_KEY]
  Distinct.forget(place, key)
  place[HOLDERS], touched[key] = max(0, place[HOLDERS] - 1), true
  -- What an older version reserved was held whole, and does not say for which prompt.
  local held, prompt = part[TOKENS_HELD] or part[PART_AMOUNT], part[PART_PROMPT] or ''
  local before, paid = Distinct.known(place, key, prompt)
  for _, entry in ipairs(place[SUBS]) do
    if entry[SUB] == part[SUB_HELD] and entry[TOKENS] then
      entry[TOKENS] = entry[TOKENS] + max(0, actual - paid) - held
      if before and actual > paid then
        prompts[Distinct.member(key, prompt)] = Distinct.score(place, before[SUB], actual)
      end
    end
  end
end

-- What is left, and the time until the window is empty, if nothing more is used.
function Distinct.read(place)
  local running, last = Distinct.running(place), nil
  for _, entry in ipairs(place[SUBS]) do
    if Distinct.count(place, entry) > 0 then last = entry[SUB] end
  end
  local reset = last and max(0, (min(last, running) + SUB_WINDOWS) * Distinct.hop_ms(place) - now) or 0
  return place[AMOUNT] - Distinct.total(place, running - SUB_WINDOWS), reset
end

function Distinct.idle(place)
  if place[HOLDERS] > 0 then return false end
  local last = Distinct.running(place) - SUB_WINDOWS
  for _, entry in ipairs(place[SUBS]) do
    if entry[SUB] > last and (entry[PROMPTS] > 0 or entry[TOKENS]) then return false end
  end
  return true
end

-- Nothing of a limit that is dropped may be found by the one made next: paid prompts are swept up to a minute late.
function Distinct.drop(key)
  local minute, prefix = floor(now / MINUTE_MS) + 1, Distinct.member(key, '')
  for _, member in ipairs(call('ZRANGEBYSCORE', P, 1 - (minute + 1) * PAID, -minute * PAID)) do
    if string.sub(member, 1, #prefix) == prefix then prompts[member] = false end
  end
end

-- The same prompts under another key, with nothing open.
function Distinct.promoted(shadow, shadow_key, key)
  local twin = {}
  for i = 1, #shadow do twin[i] = shadow[i] end
  twin[HOLDERS], twin[SUBS] = 0, {}
  for i, entry in ipairs(shadow[SUBS]) do twin[SUBS][i] = { entry[SUB], entry[PROMPTS], entry[TOKENS] } end
  for prompt, score in pairs(Distinct.scores(shadow_key)) do
    prompts[Distinct.member(key, prompt)] = score
  end
  places[key], touched[key] = twin, true
  return twin
end
