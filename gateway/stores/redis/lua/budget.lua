-- Calendar budgets: gateway/engine/budget.py.
-- {kind, amount, current label, rows}, a row {label, start, end, used, held}.
-- The calendar itself is the caller's: each limit brings the period that contains now.

local CURRENT, ROWS = 3, 4
local LABEL, START, END, USED, ROW_HELD = 1, 2, 3, 4, 5
local KEEP_MS = 86400000

function Budget.row(budget, label)
  for i, row in ipairs(budget[ROWS]) do
    if row[LABEL] == label then return row, i end
  end
  return nil
end

function Budget.add_row(budget, label, start, stop, used)
  local row = { label, start, stop, used, 0 }
  budget[ROWS][#budget[ROWS] + 1] = row
  return row
end

-- The row of the period that contains now, made if it is new.
function Budget.current_row(budget, key, spec)
  local row = Budget.row(budget, spec.label)
  local before = Budget.row(budget, budget[CURRENT])
  if row and row == before and budget[AMOUNT] == spec.amount and row[START] == spec.start and row[END] == spec.stop then
    return row
  end
  touched[key] = true
  budget[AMOUNT] = spec.amount
  row = row or Budget.add_row(budget, spec.label, spec.start, spec.stop, 0)
  -- If the new period began before the one in use, everything counted there happened within the new one too.
  -- An empty row is the same as none, and may have been dropped.
  if row[USED] == 0 and row[ROW_HELD] == 0 and before and spec.start < before[START] and before[START] <= now
    and now < before[END] then
    row[USED] = before[USED] + before[ROW_HELD]
    History.charge('opening', key, spec.label, row[USED])
  end
  row[START], row[END] = spec.start, spec.stop
  budget[CURRENT] = spec.label
  return row
end

function Budget.new(key, spec)
  places[key], touched[key] = { 'b', spec.amount, '', {} }, true
  return places[key]
end

-- An enforced budget that starts where its shadow is, at most used up.
function Budget.promoted(shadow, key, spec)
  local budget = Budget.new(key, spec)
  local row = Budget.row(shadow, spec.label)
  if row then
    local own = Budget.current_row(budget, key, spec)
    own[USED] = min(row[USED] + row[ROW_HELD], spec.amount)
    History.charge('opening', key, spec.label, own[USED])
  end
  return budget
end

function Budget.fit(budget, row, amount)
  -- Subtracted, since a sum may pass 2^53 and be rounded into fitting.
  if amount <= budget[AMOUNT] - row[USED] - row[ROW_HELD] or amount == 0 then return 0 end
  return amount > budget[AMOUNT] and -1 or max(1, row[END] - now)
end

-- Only an upstream's absurd reports get beyond 2^53: the budget is used up either way.
function Budget.add_used(row, units)
  row[USED] = max(-EXACT, min(EXACT, row[USED] + units))
end

function Budget.droppable(row)
  return row[ROW_HELD] == 0 and (row[USED] == 0 or row[END] + KEEP_MS <= now)
end

function Budget.idle(budget)
  for _, row in ipairs(budget[ROWS]) do
    if not Budget.droppable(row) then return false end
  end
  return true
end

-- Forget rows that hold nothing and are empty or long over.
function Budget.prune(budget, key)
  local kept = {}
  for _, row in ipairs(budget[ROWS]) do
    if not Budget.droppable(row) then
      kept[#kept + 1] = row
    else
      if row[USED] ~= 0 then History.note('closing', key, row[LABEL], -row[USED]) end
      if row[LABEL] == budget[CURRENT] then budget[CURRENT] = '' end
    end
  end
  if #kept < #budget[ROWS] then budget[ROWS], touched[key] = kept, true end
end
