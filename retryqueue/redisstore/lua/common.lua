-- Stands before every script. KEYS[1] is the queue's tag: every other key begins with it, so that all lie in one hash slot.
--
--   job:ID       hash: all there is to know of one job; the other keys can be made again from these
--   ids          sorted set: every job by ID
--   open, failed, discarded   sorted sets: the jobs in these states by ID; open is queued, running and retrying
--   keys         hash: KIND NUL KEY to ID
--   due:KIND     sorted set: claimable jobs by due time, those that run by the end of their lease; ties by ID
--   group:NAME   sorted set: the open jobs of a group by ID; only the group's head is in due:KIND
--   heads        hash: group to the ID of its head, which is the job that runs, else the first
--   ended:KIND   sorted set: the jobs that have succeeded or were discarded and are not pruned, by when
--   kind:KIND    hash: the pause, and the sum of those that have ended;  paused: set of the kinds that have one
--   count        hash: STATE:KIND to how many
--   last, sweep, call:NONCE   the last ID given out; where the sweep stands; answers of recent calls
--
-- Texts are compared for equality only: Lua's < follows the server's locale. Times are whole microseconds, 0 for none.

local call = redis.call
local tag = KEYS[1]
local time = call('TIME')
local now = time[1] * 1000000 + time[2]

local NOW = string.format('%.0f', now)
local KEPT = 30 -- attempts in a job's history

local ENDED = {succeeded = true, failed = true, discarded = true}
local SHELF = {
  queued = tag .. ':open', running = tag .. ':open', retrying = tag .. ':open',
  failed = tag .. ':failed', discarded = tag .. ':discarded',
}

local function int(n) return string.format('%.0f', n) end

local function jobKey(id) return tag .. ':job:' .. id end

local function endedKey(kind) return tag .. ':ended:' .. kind end

local function dueKey(kind) return tag .. ':due:' .. kind end

-- The client sends a call again when it lost the answer. Such a call is answered a second time, but not run.

local function answered(nonce)
  local kept = call('GET', tag .. ':call:' .. nonce)
  return kept and cjson.decode(kept)
end

local function answer(nonce, list) call('SET', tag .. ':call:' .. nonce, cjson.encode(list), 'PX', 30000) end

-- Sorted sets are written once per script, by flush, with as few commands as possible: what is still to be written stands here.
-- A set must be flushed before it is read.

local pending = {}

local function enter(set, id, score)
  local members = pending[set]
  if not members then
    members = {}
    pending[set] = members
  end
  members[id] = score -- false: it leaves
end

local function leave(set, id) enter(set, id, false) end

local function flush()
  for set, members in pairs(pending) do
    local adding, removing = {'ZADD', set}, {'ZREM', set}
    for id, score in pairs(members) do
      if score then
        adding[#adding + 1] = score
        adding[#adding + 1] = id
      else
        removing[#removing + 1] = id
      end
      if #adding > 1000 then
        call(unpack(adding))
        adding = {'ZADD', set}
      end
      if #removing > 1000 then
        call(unpack(removing))
        removing = {'ZREM', set}
      end
    end
    if #adding > 2 then call(unpack(adding)) end
    if #removing > 2 then call(unpack(removing)) end
  end
  pending = {}
end

-- Kinds: each has a clock that stands still while it is paused. A pause that has ended counts among the ended ones, written or not.

local kinds = {}

local function kind(name)
  local k = kinds[name]
  if not k then
    local v = call('HMGET', tag .. ':kind:' .. name, 'ended', 'from', 'till', 'reason')
    k = {name = name, ended = tonumber(v[1] or 0), from = tonumber(v[2] or 0), till = tonumber(v[3] or 0), reason = v[4] or ''}
    if k.till > 0 and k.till <= now then
      k.ended, k.from, k.till = k.ended + k.till - k.from, 0, 0
    end
    kinds[name] = k
  end
  return k
end

local function clock(k)
  if k.till > 0 then return k.from - k.ended end
  return now - k.ended
end

local function pause(k, length, reason)
  if k.till > 0 then k.ended = k.ended + now - k.from end
  k.from, k.till, k.reason = 0, 0, ''
  if length > 0 then k.from, k.till, k.reason = now, now + length, reason end
  call('HSET', tag .. ':kind:' .. k.name, 'ended', int(k.ended), 'from', int(k.from), 'till', int(k.till), 'reason', k.reason)
  call(length > 0 and 'SADD' or 'SREM', tag .. ':paused', k.name)
end

-- Jobs. What a script changes with put and set is written by save, the indexes by set at once.

local function load(id)
  local v = call('HMGET', jobKey(id), 'kind', 'group', 'state', 'attempts', 'due', 'born', 'token', 'claimed', 'unsure', 'hand',
    'handdue', 'newer', 'noted', 'pruned')
  if not v[3] then return nil end
  return {
    id = id, kind = v[1] or '', group = v[2] or '', state = v[3],
    attempts = tonumber(v[4] or 0), due = tonumber(v[5] or 0), born = tonumber(v[6] or 0),
    token = v[7] or '',            -- of the last claim
    claimed = tonumber(v[8] or 0), -- when that was
    unsure = tonumber(v[9] or 0),  -- since when
    hand = v[10] or '',            -- by hand: the state from before the move, else empty
    handdue = tonumber(v[11] or 0),
    newer = v[12] or '',           -- a payload is kept aside: 'once' or 'always', else empty
    noted = tonumber(v[13] or 0),  -- attempts in the history
    pruned = v[14] == '1',
    changed = {},
  }
end

local function put(job, field, value)
  job[field] = value
  local c = job.changed
  c[#c + 1] = field
  c[#c + 1] = value == now and NOW or type(value) == 'number' and int(value) or value
end

local function save(job)
  if #job.changed > 0 then call('HSET', jobKey(job.id), unpack(job.changed)) end
  job.changed = {}
end

local counted = {}

local function count(state, kind, by)
  local field = state .. ':' .. kind
  counted[field] = (counted[field] or 0) + by
end

-- finish writes what is still to be written; every script that sets states calls it last.
local function finish()
  flush()
  for field, by in pairs(counted) do
    if by ~= 0 then call('HINCRBY', tag .. ':count', field, int(by)) end
  end
end

-- peer is another job of job's group, as far as a group needs to know it.
local function peer(job, id)
  if id == job.id then return job end
  local v = call('HMGET', jobKey(id), 'kind', 'state', 'due')
  return v[2] and {id = id, kind = v[1] or '', state = v[2], due = tonumber(v[3] or 0)}
end

local function regroup(job)
  local members = tag .. ':group:' .. job.group
  if ENDED[job.state] then call('ZREM', members, job.id) else call('ZADD', members, 0, job.id) end
  local head = call('HGET', tag .. ':heads', job.group)
  local old = head and peer(job, head)
  local new = old
  if not old or old.state ~= 'running' then
    local first = call('ZRANGE', members, 0, 0)[1]
    new = first and peer(job, first)
    while first and not new do -- the job itself is gone
      call('ZREM', members, first)
      first = call('ZRANGE', members, 0, 0)[1]
      new = first and peer(job, first)
    end
  end
  if old and not (new and new.id == old.id) then leave(dueKey(old.kind), old.id) end
  if new then
    enter(dueKey(new.kind), new.id, int(new.due))
    if new.id ~= head then call('HSET', tag .. ':heads', job.group, new.id) end
  else
    call('HDEL', tag .. ':heads', job.group)
  end
end

-- place puts a job where claims will find it, or takes it out.
local function place(job)
  if job.group ~= '' then
    regroup(job)
  elseif ENDED[job.state] then
    leave(dueKey(job.kind), job.id)
  else
    enter(dueKey(job.kind), job.id, int(job.due))
  end
end

-- set moves a job to a state. One that has ended has no due time.
local function set(job, state, due)
  if ENDED[state] then due = 0 end
  if state == 'succeeded' or state == 'discarded' then
    if not job.pruned then enter(endedKey(job.kind), job.id, NOW) end
  elseif job.state == 'succeeded' or job.state == 'discarded' then
    leave(endedKey(job.kind), job.id)
  end
  if job.state ~= state then
    if job.state then count(job.state, job.kind, -1) end
    count(state, job.kind, 1)
    local from, to = SHELF[job.state or ''], SHELF[state]
    if from ~= to then
      if from then leave(from, job.id) end
      if to then enter(to, job.id, 0) end
    end
    put(job, 'state', state)
  end
  put(job, 'due', due)
  place(job)
end

-- begin queues a job afresh: attempts and age start when it is due.
local function begin(job, due)
  if job.pruned then
    job.pruned = false
    call('HDEL', jobKey(job.id), 'pruned')
  end
  put(job, 'attempts', 0)
  put(job, 'born', clock(kind(job.kind)) + due - now)
  put(job, 'hand', '')
  set(job, 'queued', due)
end

-- note adds the attempt that ends now to the history: N, start, end and the length of the text in a line, then the text.
local function note(job, text)
  local past = job.noted > 0 and call('HGET', jobKey(job.id), 'past') or ''
  if job.noted == KEPT then
    local _, stop, length = string.find(past, '^%d+ %d+ %d+ (%d+)\n')
    past = string.sub(past, stop + 1 + length)
  else
    put(job, 'noted', job.noted + 1)
  end
  put(job, 'past', past .. int(job.attempts) .. ' ' .. int(job.claimed) .. ' ' .. NOW .. ' ' .. #text .. '\n' .. text)
  put(job, 'error', text)
end

-- record is a saved job as Go reads it.
local function record(job, history)
  local v = call('HMGET', jobKey(job.id), 'key', 'payload', 'result', 'error', 'created', history and 'past' or 'key')
  return {
    job.id, job.kind, v[1], job.group, v[2], v[3], job.state, int(job.attempts), int(job.unsure > 0 and now - job.unsure or -1),
    job.hand ~= '' and 1 or 0, v[4] or '', v[5], int(job.due), int(math.max(0, clock(kind(job.kind)) - job.born)),
    history and v[6] or '', job.pruned and 1 or 0,
  }
end

-- remove forgets a job that has ended.
local function remove(job)
  call('HDEL', tag .. ':keys', job.kind .. '\0' .. (call('HGET', jobKey(job.id), 'key') or job.id))
  set(job, 'discarded', 0)
  count('discarded', job.kind, -1)
  leave(SHELF.discarded, job.id)
  leave(endedKey(job.kind), job.id)
  leave(tag .. ':ids', job.id)
  call('DEL', jobKey(job.id))
end

-- mend puts a job back where its own hash says it belongs, and tells whether anything was missing.
local function mend(id)
  local job = load(id)
  if not job then return call('ZREM', tag .. ':ids', id) > 0 end
  local field = job.kind .. '\0' .. (call('HGET', jobKey(id), 'key') or id)
  local missing = call('ZADD', tag .. ':ids', 0, id) + call('HSETNX', tag .. ':keys', field, id)
  if SHELF[job.state] then missing = missing + call('ZADD', SHELF[job.state], 0, id) end
  if (job.state == 'succeeded' or job.state == 'discarded') and not job.pruned then
    missing = missing + call('ZADD', endedKey(job.kind), 'NX', job.claimed, id) -- near enough for retention
  end
  if not ENDED[job.state] then
    local claimable = id
    if job.group ~= '' then
      missing = missing + call('ZADD', tag .. ':group:' .. job.group, 0, id)
      claimable = call('HGET', tag .. ':heads', job.group)
    end
    local head = claimable and peer(job, claimable)
    local at = head and call('ZSCORE', dueKey(head.kind), head.id)
    if missing > 0 or not at or tonumber(at) ~= head.due then
      missing = missing + 1
      place(job)
      flush()
    end
  end
  return missing > 0
end
