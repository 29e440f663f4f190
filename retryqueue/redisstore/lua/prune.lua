-- ARGV: kind, age, at most how many, 1 to delete them. Answers how many jobs were pruned.

local name, delete = ARGV[1], ARGV[4] == '1'
local ids = call('ZRANGEBYSCORE', endedKey(name), '-inf', int(now - ARGV[2]), 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  local job = load(id)
  leave(endedKey(name), id)
  if job and delete then
    remove(job)
  elseif job then
    call('HDEL', jobKey(id), 'payload', 'aside', 'past', 'error')
    put(job, 'noted', 0)
    put(job, 'pruned', '1')
    save(job)
  end
end
finish()
return #ids
