-- ARGV: nonce, which begins the tokens; lease; the text of an attempt that never reported back; then for each kind: name, how many.
-- Answers when something may be due again (-1: nothing waits), and the records with token and 1 where a lease was found ended.

local lease, silence = tonumber(ARGV[2]), ARGV[3]
local wait = -1

local function may(at)
  local d = math.max(0, at - now)
  if wait < 0 or d < wait then wait = d end
end

-- sweep looks after some jobs every five seconds, from the jobs themselves: none is lost for want of an index entry.
local function sweep()
  local v = call('HMGET', tag .. ':sweep', 'at', 'after')
  if now - (v[1] or 0) < 5000000 then return end
  local ids = call('ZRANGEBYLEX', tag .. ':ids', v[2] and '(' .. v[2] or '-', '+', 'LIMIT', 0, 100)
  for _, id in ipairs(ids) do mend(id) end
  call('HSET', tag .. ':sweep', 'at', NOW, 'after', #ids == 100 and ids[100] or '0')
end

local function leased(job, n)
  local lapsed = job.state == 'running'
  if lapsed then
    note(job, silence)
    put(job, 'unsure', now)
    put(job, 'hand', '')
  end
  if job.hand == '' then put(job, 'attempts', job.attempts + 1) end
  local token = ARGV[1] .. '.' .. n
  put(job, 'token', token)
  put(job, 'claimed', now)
  set(job, 'running', now + lease)
  save(job)
  return lapsed and 1 or 0
end

-- told is what the claimer is told of a job it holds.
local function told(job, lapsed)
  local r = record(job, false)
  r[#r + 1] = job.token
  r[#r + 1] = lapsed
  return r
end

local answers = {}
local kept = answered(ARGV[1])
if kept then
  for i = 1, #kept, 3 do
    local job = load(kept[i])
    if job and job.token == kept[i + 1] then answers[#answers + 1] = told(job, tonumber(kept[i + 2])) end
  end
  return {'0', answers}
end

sweep()
local taken = {}
for i = 4, #ARGV, 2 do
  local k, most = kind(ARGV[i]), tonumber(ARGV[i + 1])
  local queue = dueKey(k.name)
  if k.till > 0 then
    if call('EXISTS', queue) == 1 then may(k.till) end
  elseif most > 0 then
    local n = 0
    for _, id in ipairs(call('ZRANGEBYSCORE', queue, '-inf', NOW, 'LIMIT', 0, most)) do
      local job = load(id)
      n = n + 1
      if job and not ENDED[job.state] and job.due <= now then
        taken[#taken + 1] = job
      else -- the job is right, not the index; what stood behind it comes with the next claim
        leave(queue, id)
        if job then place(job) end
        may(now)
      end
    end
    if n < most then
      local first = call('ZRANGEBYSCORE', queue, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      if first[2] then may(tonumber(first[2])) end
    end
  end
end
table.sort(taken, function(a, b)
  if a.due ~= b.due then return a.due < b.due end
  return tonumber(a.id) < tonumber(b.id)
end)
local memo = {}
for n, job in ipairs(taken) do
  local lapsed = leased(job, n)
  may(job.due)
  answers[n] = told(job, lapsed)
  memo[#memo + 1] = job.id
  memo[#memo + 1] = job.token
  memo[#memo + 1] = int(lapsed)
end
finish()
if #memo > 0 then answer(ARGV[1], memo) end
return {int(wait), answers}
