-- ARGV: sort, flags (d: descending, h: with history, c: with counts), limit, offset, after, attempts, part of the error in lower
-- case, created from and to, next from and to (each empty or 0: any), then four lists, each with its length before it: IDs, IDs not
-- after that one (they only count by state), kinds, states. Answers total, counts by state, pauses and records.

local order, flags, limit, offset, after = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local attempts, text = tonumber(ARGV[6]), ARGV[7]
local madeFrom, madeTo, nextFrom, nextTo = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local desc, counts = string.find(flags, 'd', 1, true), string.find(flags, 'c', 1, true)

local position = 12

local function list()
  local all, has, n = {}, {}, tonumber(ARGV[position])
  for i = position + 1, position + n do
    all[#all + 1] = ARGV[i]
    has[ARGV[i]] = true
  end
  position = position + n + 1
  return all, has, n > 0
end

local ids, _, some = list()
local passed, _, others = list()
local byID = some or others
local _, isKind, byKind = list()
local _, isState, byState = list()
local fine = after ~= '' or attempts or text ~= '' or madeFrom > 0 or madeTo > 0 or nextFrom > 0 or nextTo > 0

local tallies, total = {queued = 0, running = 0, retrying = 0, succeeded = 0, failed = 0, discarded = 0}, 0

local function within(t, from, to) return (from == 0 or t >= from) and (to == 0 or t < to) end

-- What must be read of each job, and at which place it then stands.
local names, at = {'state'}, {state = 1}

local function need(name, wanted)
  if wanted and not at[name] then
    names[#names + 1] = name
    at[name] = #names
  end
end

need('kind', byKind or order == 'kind')
need('key', order == 'key')
need('attempts', attempts)
need('error', text ~= '')
need('created', madeFrom > 0 or madeTo > 0)
need('due', nextFrom > 0 or nextTo > 0 or order == 'next')
local blind = order == 'created' and not byID and not byKind and not byState and not fine

-- look returns a job's place in the order, or nil where it does not match.
local function look(id)
  if blind then return {id = id} end
  local v = call('HMGET', jobKey(id), unpack(names))
  local state, due = v[1], tonumber(v[at.due] or 0)
  if not state or byKind and not isKind[v[at.kind]] then return nil end
  if byID then tallies[state] = tallies[state] + 1 end
  if byState and not isState[state]
    or attempts and tonumber(v[at.attempts]) ~= attempts
    or at.created and not within(tonumber(v[at.created]), madeFrom, madeTo)
    or at.due and not within(due, nextFrom, nextTo) or due == 0 and (nextFrom > 0 or nextTo > 0)
    or at.error and not string.find(string.gsub(v[at.error] or '', '[A-Z]', string.lower), text, 1, true) then
    return nil
  end
  return {id = id, text = v[at[order]], state = state, due = due}
end

-- shelves are the sets that hold every job that can match.
local function shelves()
  if not byState or isState.succeeded then return {tag .. ':ids'} end
  local all, seen = {}, {}
  for state in pairs(isState) do
    local shelf = SHELF[state]
    if shelf and not seen[shelf] then
      seen[shelf] = true
      all[#all + 1] = shelf
    end
  end
  return all
end

-- each gives a shelf's jobs to visit, by ID in the asked direction, until it returns true.
local function each(shelf, visit)
  local from = after ~= '' and '(' .. after or '-'
  local cursor = nil
  repeat
    local page
    if desc then
      page = call('ZREVRANGEBYLEX', shelf, cursor and '(' .. cursor or '+', from, 'LIMIT', 0, 1000)
    else
      page = call('ZRANGEBYLEX', shelf, cursor and '(' .. cursor or from, '+', 'LIMIT', 0, 1000)
    end
    for _, id in ipairs(page) do
      if visit(id) then return end
    end
    cursor = page[#page]
  until #page < 1000
end

-- digits makes a text comparable by its bytes: six of them a number.
local function digits(s)
  local all = {}
  for i = 1, #s, 6 do
    local a, b, c, d, e, f = string.byte(s, i, i + 5)
    all[#all + 1] = ((((a * 256 + (b or 0)) * 256 + (c or 0)) * 256 + (d or 0)) * 256 + (e or 0)) * 256 + (f or 0)
  end
  return all
end

local RANK = {discarded = 1, failed = 2, queued = 3, retrying = 4, running = 5, succeeded = 6}

-- weigh notes what a job is sorted by, as a list of numbers.
local function weigh(job)
  job.number, job.last = tonumber(job.id), order == 'next' and job.due == 0
  if order == 'key' or order == 'kind' then
    job.worth = digits(job.text)
  elseif order == 'state' then
    job.worth = {RANK[job.state]}
  elseif order == 'next' then
    job.worth = {job.due}
  else
    job.worth = {}
  end
end

local function before(a, b)
  if a.last ~= b.last then return b.last end
  local v, w = a.worth, b.worth
  for i = 1, math.max(#v, #w) do
    local x, y = v[i] or -1, w[i] or -1
    if x ~= y then return desc and x > y or not desc and x < y end
  end
  if desc then return a.number > b.number end
  return a.number < b.number
end

-- The counts that need no look at single jobs.
if counts and not byID then
  local v = call('HGETALL', tag .. ':count')
  for i = 1, #v, 2 do
    local state, name = string.match(v[i], '^(%a+):(.*)$')
    local n = math.max(0, tonumber(v[i + 1]))
    if not byKind or isKind[name] then
      tallies[state] = tallies[state] + n
      if not byState or isState[state] then total = total + n end
    end
  end
end

local from = shelves()
local inOrder = order == 'created' and not byID and #from == 1
local pageOnly = inOrder and not (counts and fine) -- the page is enough
local found, skipped, matched = {}, 0, 0
local worst -- once more were found than are asked for: the last one that counts

-- trim keeps what the page needs of all that was found.
local function trim()
  table.sort(found, before)
  local first = {}
  for i = 1, math.min(#found, offset + limit) do first[i] = found[i] end
  found, worst = first, first[offset + limit]
end

local function visit(id)
  local job = look(id)
  if not job then return false end
  matched = matched + 1
  if not inOrder then
    weigh(job)
    if not worst or before(job, worst) then found[#found + 1] = job end
    if #found > 2 * (offset + limit) + 100 then trim() end
  elseif skipped < offset then
    skipped = skipped + 1
  elseif #found < limit then
    found[#found + 1] = job
  end
  return pageOnly and #found == limit
end

if byID then
  for _, id in ipairs(ids) do visit(id) end
  for _, id in ipairs(passed) do look(id) end
else
  for _, shelf in ipairs(from) do each(shelf, visit) end
end
if fine or byID then total = matched end
if not inOrder then
  trim()
  local page = {}
  for i = offset + 1, #found do page[#page + 1] = found[i] end
  found = page
end

local records = {}
for _, f in ipairs(found) do
  local job = load(f.id)
  if job then records[#records + 1] = record(job, string.find(flags, 'h', 1, true)) end
end
local byStates = {}
for state, n in pairs(tallies) do
  if counts and n > 0 then
    byStates[#byStates + 1] = state
    byStates[#byStates + 1] = int(n)
  end
end
local pauses = {}
for _, name in ipairs(call('SMEMBERS', tag .. ':paused')) do
  local k = kind(name)
  if k.till > 0 then
    pauses[#pauses + 1] = name
    pauses[#pauses + 1] = k.reason
    pauses[#pauses + 1] = int(k.till - now)
  end
end
return {int(counts and total or 0), byStates, pauses, records}
