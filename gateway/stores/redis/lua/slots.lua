-- Concurrency: gateway/engine/slots.py. {kind, amount, leases}; a lease ends with its reservation, in the same call.

local LEASES = 3
local RETRY_MS = 1000

function Slots.new(key, spec)
  places[key], touched[key] = { 's', spec.amount, 0 }, true
  return places[key]
end

function Slots.fit(slots)
  if slots[LEASES] < slots[AMOUNT] then return 0 end
  return slots[AMOUNT] > 0 and RETRY_MS or -1
end
