-- due is the next attempt of a job that waits, the end of the lease of one that runs, and null once it has ended. MySQL has no
-- partial indexes, but nulls sort first and no claim looks there. All times are microseconds UTC.
create table if not exists {jobs} (
	id           {string} not null primary key,
	kind         {string} not null,
	job_key      {string} not null,
	job_group    {string},
	state        {string} not null,
	due          bigint,
	attempts     bigint   not null,
	born         bigint   not null, -- age zero, on the clock of the kind that stands still in its pauses
	created      bigint   not null,
	payload      {bytes}  not null, -- empty once it was pruned
	aside        {bytes},           -- a newer payload, given while the job ran
	aside_mode   smallint not null, -- 0 none, 1 taken unless the attempt succeeds, 2 taken always
	result       {bytes},
	unsure_since bigint,            -- null: sure
	hand_state   {string},          -- before it was put back by hand; null: not by hand
	hand_due     bigint,
	last_error   {text}   not null,
	token        {string} not null, -- of the last claim
	started      bigint   not null, -- the last claim
	ended        bigint,            -- null while it lives, -1 once it was pruned
	folded       smallint not null, -- 1: its last attempt, a success, has no row of its own but stands here: attempts, started, ended
	tries        bigint   not null, -- attempts that have a row in the history, ever
	unique index {jobs_key} (kind, job_key),
	-- The tie-break belongs to it: without id all rows of one batch would be sorted at every claim.
	index {jobs_claim} (kind, due, id),
	index {jobs_group} (job_group, due, id),
	index {jobs_state} (state, id),
	-- What retention has pruned is no part of the range that it looks at.
	index {jobs_ended} (kind, ended)
) engine = innodb;

create table if not exists {job_attempts} (
	job     {string} not null,
	seq     bigint   not null,
	n       bigint   not null,
	started bigint   not null,
	ended   bigint   not null,
	error   {text}   not null,
	primary key (job, seq)
) engine = innodb;

-- A kind's pauses: those over add up in paused_sum, the last one lies from since to until.
create table if not exists {job_kinds} (
	kind         {string} not null primary key,
	paused_sum   bigint   not null,
	paused_since bigint,
	paused_until bigint,
	reason       {text}   not null
) engine = innodb;
