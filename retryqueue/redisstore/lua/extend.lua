-- ARGV: by how long, then for each lease: ID, token. Answers the IDs of the jobs that are no longer held.

local lost = {}
for i = 2, #ARGV, 2 do
  local job = load(ARGV[i])
  if job and job.state == 'running' and job.token == ARGV[i + 1] and now < job.due then
    set(job, 'running', now + ARGV[1])
    save(job)
  else
    lost[#lost + 1] = ARGV[i]
  end
end
finish()
return lost
