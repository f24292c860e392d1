-- Reading what a call needs, and writing what it changed.

function Home.fetch_meta(raw)
  if not raw then return nil end
  local meta = unpack_(raw)
  if meta[1] ~= VERSION then
    return redis.error_reply('GWFORMAT this state has format ' .. tostring(meta[1]) ..
      ', this version reads format ' .. VERSION)
  end
  seq, ttl_day = meta[2], meta[3]
  return nil
end

-- The place under a state key, or false.
function Home.place(key)
  local place = places[key]
  if place == nil then
    local raw = call('HGET', S, key)
    place = raw and unpack_(raw)
    places[key] = place
  end
  return place
end

-- What is known of a reservation id, or false.
function Home.record(id)
  local record = records[id]
  if record == nil then
    local raw = call('HGET', R, id)
    record = raw and unpack_(raw)
    records[id] = record
  end
  return record
end

function Home.put_record(id, record)
  records[id], written[id] = record, true
end

function Home.keep(key, day)
  if day ~= ttl_day or call('TTL', key) < 0 then call('EXPIRE', key, KEEP_S) end
end

-- Write one hash: HSET of what is there, HDEL of what is gone, a bounded number of arguments at a time.
function Home.put_hash(name, changed, from)
  local set, gone = {}, {}
  for field in pairs(changed) do
    local value = from[field]
    if value then
      set[#set + 1], set[#set + 2] = field, pack(value)
      if #set >= 1000 then call('HSET', name, unpack(set)); set = {} end
    else
      gone[#gone + 1] = field
    end
  end
  if #set > 0 then call('HSET', name, unpack(set)) end
  for i = 1, #gone, 1000 do call('HDEL', name, unpack(gone, i, min(i + 999, #gone))) end
end

function Home.put_zset(name, scores)
  local set, gone = {}, {}
  for member, score in pairs(scores) do
    if score then
      set[#set + 1], set[#set + 2] = score == true and 0 or score, member
      if #set >= 1000 then call('ZADD', name, unpack(set)); set = {} end
    else
      gone[#gone + 1] = member
    end
  end
  if #set > 0 then call('ZADD', name, unpack(set)) end
  for i = 1, #gone, 1000 do call('ZREM', name, unpack(gone, i, min(i + 999, #gone))) end
end

-- Write all that changed; true if anything did.
function Home.commit()
  if not (next(touched) or next(written) or next(expiries) or next(ends) or next(holds) or next(prompts)) then
    return false
  end
  seq = seq + 1
  local day = floor(now / DAY_MS)
  places[META], touched[META] = { VERSION, seq, day }, true
  Home.put_hash(S, touched, places)
  Home.put_hash(R, written, records)
  Home.put_zset(T, expiries)
  Home.put_zset(D, ends)
  Home.put_zset(H, holds)
  Home.put_zset(P, prompts)
  Home.keep(S, day)
  if next(written) then Home.keep(R, day) end
  if next(expiries) then Home.keep(T, day) end
  if next(ends) then Home.keep(D, day) end
  if next(holds) then Home.keep(H, day) end
  if next(prompts) then Home.keep(P, day) end
  for _, list in pairs(entries) do call('XADD', L, '*', unpack(list)) end
  if next(entries) then Home.keep(L, day) end
  return true
end
