-- Limits on what is new: gateway/engine/distinct.py. The window hops in 32 sub-windows of W/31.
-- {kind, amount, window, counts tokens, newest sub-window, open reservations with a new prompt, subs}
-- subs: {sub-window, prompts last used in it, tokens or false}, the oldest first, at most 32.
-- The prompts are in P: "state key NUL fingerprint", by the time (ms) at which each leaves the window.

local COUNTS_TOKENS, NEWEST, FRESH, SUBS = 4, 5, 6, 7
local SUB, PROMPTS, TOKENS = 1, 2, 3
local SUB_WINDOWS = 32
local MAX_REMEMBERED = 100000

function Distinct.hop_ms(place) return ceil(place[WINDOW] * 1000 / (SUB_WINDOWS - 1)) end

-- The running sub-window; a clock that went back stays in the newest one.
function Distinct.sub_now(place) return max(place[NEWEST], floor(now / Distinct.hop_ms(place))) end

function Distinct.new(key, spec)
  places[key] = { 'd', spec.amount, spec.window, spec.unit == 'q' and 1 or 0, 0, 0, {} }
  touched[key] = true
  return places[key]
end

function Distinct.member(key, prompt) return key .. '\0' .. prompt end

-- Drop what has left the window.
function Distinct.forget(place, key)
  local sub = Distinct.sub_now(place)
  if sub == place[NEWEST] then return end
  local kept = {}
  for _, entry in ipairs(place[SUBS]) do
    if entry[SUB] > sub - SUB_WINDOWS then kept[#kept + 1] = entry end
  end
  place[NEWEST], place[SUBS], touched[key] = sub, kept, true
end

-- The sub-window in which a prompt was last used, nil if it is new.
function Distinct.used_in(place, key, prompt)
  local member = Distinct.member(key, prompt)
  local score = prompts[member]
  if score == nil then score = call('ZSCORE', P, member) end
  local sub = score and score / Distinct.hop_ms(place) - SUB_WINDOWS
  return sub and sub > place[NEWEST] - SUB_WINDOWS and sub or nil
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
  local at = #subs + 1
  for i, entry in ipairs(subs) do
    if entry[SUB] == sub then return entry end
  end
  subs[at] = { sub, 0, false }
  return subs[at]
end

function Distinct.fit(place, key, prompt, tokens)
  Distinct.forget(place, key)
  local cost = place[COUNTS_TOKENS] == 1 and tokens or 1
  if (prompt == '0' and tokens == 0) or Distinct.used_in(place, key, prompt) then return 0 end
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

-- Remember the prompt, and hold its tokens if it is new; returns the sub-window that holds them, or -1.
function Distinct.take(place, key, prompt, tokens)
  if prompt == '0' and tokens == 0 then return -1 end
  local sub = Distinct.sub_now(place)
  local before = Distinct.used_in(place, key, prompt)
  local entry = Distinct.entry(place, sub)
  touched[key] = true
  local remembered = 0
  for _, other in ipairs(place[SUBS]) do remembered = remembered + other[PROMPTS] end
  if before then
    local old = Distinct.entry(place, before)
    old[PROMPTS] = old[PROMPTS] - 1
    entry[PROMPTS] = entry[PROMPTS] + 1
  elseif remembered < MAX_REMEMBERED then
    entry[PROMPTS] = entry[PROMPTS] + 1
  end
  -- A prompt beyond what is remembered counts again when it comes again: the error is on the side of the limit.
  if before or remembered < MAX_REMEMBERED then
    prompts[Distinct.member(key, prompt)] = (sub + SUB_WINDOWS) * Distinct.hop_ms(place)
  end
  if before or place[COUNTS_TOKENS] == 0 then return -1 end
  entry[TOKENS] = (entry[TOKENS] or 0) + tokens
  place[FRESH] = place[FRESH] + 1
  return sub
end

-- Replace held tokens by what was written; a prompt stays.
function Distinct.settle(place, key, reserved, actual, sub)
  if sub < 0 then return end
  place[FRESH], touched[key] = max(0, place[FRESH] - 1), true
  for _, entry in ipairs(place[SUBS]) do
    if entry[SUB] == sub and entry[TOKENS] then entry[TOKENS] = entry[TOKENS] + actual - reserved end
  end
end

-- What is left, and the time until the window is empty, if nothing more is used.
function Distinct.read(place)
  local last
  for _, entry in ipairs(place[SUBS]) do
    if (place[COUNTS_TOKENS] == 1 and entry[TOKENS]) or (place[COUNTS_TOKENS] == 0 and entry[PROMPTS] > 0) then
      last = max(last or 0, entry[SUB])
    end
  end
  local reset = last and max(0, (last + SUB_WINDOWS) * Distinct.hop_ms(place) - now) or 0
  return place[AMOUNT] - Distinct.total(place, Distinct.sub_now(place) - SUB_WINDOWS), reset
end

function Distinct.idle(place, key)
  Distinct.forget(place, key)
  if place[FRESH] > 0 then return false end
  for _, entry in ipairs(place[SUBS]) do
    if entry[PROMPTS] > 0 or entry[TOKENS] then return false end
  end
  return true
end

-- The same prompts under another key, with nothing open. Walks over all prompts of the home, once in a promotion.
function Distinct.promoted(shadow, shadow_key, key)
  local twin = {}
  for i = 1, #shadow do twin[i] = shadow[i] end
  twin[FRESH], twin[SUBS] = 0, {}
  for i, entry in ipairs(shadow[SUBS]) do twin[SUBS][i] = { entry[SUB], entry[PROMPTS], entry[TOKENS] } end
  local all = call('ZRANGE', P, 0, -1, 'WITHSCORES')
  local prefix = shadow_key .. '\0'
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, #prefix) == prefix then
      prompts[Distinct.member(key, string.sub(all[i], #prefix + 1))] = tonumber(all[i + 1])
    end
  end
  places[key], touched[key] = twin, true
  return twin
end
