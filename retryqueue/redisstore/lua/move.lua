-- ARGV: nonce, to which state (empty: delete), how many states may be moved from, these states, then IDs. Answers how many moved.

local kept = answered(ARGV[1])
if kept then return kept[1] end

local to, states = ARGV[2], tonumber(ARGV[3])
local from = {}
for i = 4, 3 + states do from[ARGV[i]] = true end
from.running = nil

local moved = 0
for i = 4 + states, #ARGV do
  local job = load(ARGV[i])
  if job and from[job.state] and not (job.pruned and to == 'queued') then
    moved = moved + 1
    if to == '' then
      remove(job)
    else
      if to ~= 'queued' then
        put(job, 'hand', '')
      elseif job.hand == '' then
        put(job, 'hand', job.state)
        put(job, 'handdue', job.due)
      end
      set(job, to, now)
      save(job)
    end
  end
end
finish()
answer(ARGV[1], {moved})
return moved
