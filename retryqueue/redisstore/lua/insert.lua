-- ARGV: nonce, then for each job: kind, key, group, payload, delay, flags (l: Latest, f: Forced).
-- Answers ID, state and freshness of each.

local kept = answered(ARGV[1])
if kept then return kept end

local last = tonumber(call('GET', tag .. ':last') or 0)

-- fresh makes an ID: the time in microseconds, or one more than the last.
local function fresh()
  last = math.max(now, last + 1)
  return string.format('%016.0f', last)
end

local function add(name, key, group, payload, due)
  local id = fresh()
  while key == '' and call('HEXISTS', tag .. ':keys', name .. '\0' .. id) == 1 do id = fresh() end
  if key == '' then key = id end
  local job = {id = id, kind = name, group = group, changed = {
    'kind', name, 'key', key, 'group', group, 'payload', payload, 'created', NOW,
  }}
  call('HSET', tag .. ':keys', name .. '\0' .. key, id)
  enter(tag .. ':ids', id, 0)
  begin(job, due)
  save(job)
  return job
end

-- again applies the table of retryqueue.Store to a known key.
local function again(job, payload, due, latest, forced)
  local always = latest or forced
  if job.state == 'running' then
    put(job, 'aside', payload)
    put(job, 'newer', (always or job.newer == 'always') and 'always' or 'once')
  elseif ENDED[job.state] and always then
    put(job, 'payload', payload)
    begin(job, due)
  elseif job.state == 'failed' then
    put(job, 'payload', payload)
  elseif not ENDED[job.state] then
    put(job, 'payload', payload)
    if latest and due < job.due then set(job, job.state, due) end
  end
  save(job)
end

local answers = {}
for i = 2, #ARGV, 6 do
  local name, key, payload, due, flags = ARGV[i], ARGV[i + 1], ARGV[i + 3], now + ARGV[i + 4], ARGV[i + 5]
  local id = key ~= '' and call('HGET', tag .. ':keys', name .. '\0' .. key)
  local job = id and load(id)
  if job then
    again(job, payload, due, string.find(flags, 'l', 1, true), string.find(flags, 'f', 1, true))
  else
    job = add(name, key, ARGV[i + 2], payload, due)
    id = false
  end
  answers[#answers + 1] = job.id
  answers[#answers + 1] = job.state
  answers[#answers + 1] = id and '0' or '1'
end
call('SET', tag .. ':last', int(last))
finish()
answer(ARGV[1], answers)
return answers
