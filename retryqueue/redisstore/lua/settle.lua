-- ARGV, for each outcome: ID, token, state, wait, pause, flags (u: unsure, p: probed, r: reset, n: uncounted, v: has a result),
-- error, result. Answers the positions, from 0, of those whose lease is lost.

local function settle(job, state, wait, length, flags, text, result)
  local function is(flag) return string.find(flags, flag, 1, true) ~= nil end
  local succeeds, uncounted = state == 'succeeded', is('n')
  local waits = state == 'retrying' or state == 'queued'
  if text ~= '' or not uncounted then note(job, text) end
  if is('v') then put(job, 'result', result) end
  if not is('u') then
    put(job, 'unsure', 0)
  elseif not is('p') or job.unsure == 0 then
    put(job, 'unsure', now)
  end
  local k = kind(job.kind)
  if length > 0 and (k.till == 0 or length > k.till - now) then pause(k, length, text) end
  if uncounted and job.hand == '' then put(job, 'attempts', job.attempts - 1) end
  if is('r') then
    put(job, 'attempts', 0)
    put(job, 'born', clock(k))
  end

  local due = now + wait
  if job.hand ~= '' then
    if uncounted and waits then
      state = 'queued' -- and stays by hand
    else
      if state == 'retrying' then state, due = job.hand, job.handdue end
      put(job, 'hand', '')
    end
  end
  local newer = job.newer
  if newer ~= '' then
    if newer == 'always' or not succeeds then
      put(job, 'payload', call('HGET', jobKey(job.id), 'aside'))
    else
      newer = ''
    end
    call('HDEL', jobKey(job.id), 'aside')
    put(job, 'newer', '')
  end
  if newer == '' then
    set(job, state, due)
  elseif ENDED[state] then
    begin(job, now)
  else
    put(job, 'hand', '')
    set(job, 'queued', now + wait)
  end
  save(job)
end

local lost = {}
for i = 1, #ARGV, 8 do
  local job, token = load(ARGV[i]), ARGV[i + 1]
  if not job or job.token == '' or job.token ~= token then
    lost[#lost + 1] = (i - 1) / 8
  elseif job.state == 'running' then -- else it is a repetition
    settle(job, ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]), ARGV[i + 5], ARGV[i + 6], ARGV[i + 7])
  end
end
finish()
return lost
