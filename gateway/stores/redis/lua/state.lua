-- The ledger of one home (an org), decided inside Redis: the twin of gateway/engine, bit for bit.
--
-- Everything of a home lives under the eight keys of KEYS, all in one hash slot; no key name is built here:
--   S hash   state key -> place; the field NUL holds {format version, sequence number, day of the last EXPIRE}
--   R hash   reservation id -> record: open, or the tombstone of one that has ended
--   T zset   open reservations by the time they expire
--   D zset   tombstones by the time they are forgotten
--   H zset   holds of rates, all with score 0: "state key NUL reserved-at NUL units NUL id", so that those of one
--            bucket that pass their window are one range, and no bucket carries a list
--   P zset   prompts that limits on what is new remember, by the time they are forgotten: see distinct.lua
--   L stream and C hash   what budgets were charged: see history.lua
--
-- A call reads what it needs, decides in plain tables and writes at the end (commit). An error before the first
-- write changes nothing, and the first write is HSET, which Redis refuses as a whole on a replica or without memory.
-- Numbers are doubles, so every integer is kept within 2^53.

local S, R, T, D, H, P, L, C = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max
local call, pack, unpack_ = redis.call, cmsgpack.pack, cmsgpack.unpack

local VERSION = 1
local EXACT = 9007199254740992
local DAY_MS = 86400000
local KEEP_S = 8640000 -- 100 days: longer than any period or window a limit may have
local META = '\0'
local SHADOW = '|audit' -- audit mode keeps its state under the limit's key with this suffix

local now
if ARGV[2] == '' then
  local clock = call('TIME')
  now = clock[1] * 1000 + floor(clock[2] / 1000)
else
  now = tonumber(ARGV[2])
end

local places, touched = {}, {}  -- by state key; false for none
local records, written = {}, {} -- by reservation id; false for none
local expiries, ends = {}, {}   -- by id: the new score in T and D, false to remove
local holds = {}                -- by member of H: true to add, false to remove
local prompts = {}              -- by member of P: the new score, false to remove
local entries = {}              -- by who charged: what goes into L
local seen = {}                 -- by state key: a rate's level, as `fit` saw it
local due_of, looked = {}, {}   -- by state key: holds that have passed their window; whether H was asked for them
local expired, clamped = 0, {}  -- what the events port is told
local seq, ttl_day = 0, 0

-- A table of functions that are only made when one of them is needed.
local function lazily(define)
  return setmetatable({}, { __index = function(module, name)
    setmetatable(module, nil)
    define(module)
    return module[name]
  end })
end
