-- due is the next attempt of a job that waits, the end of the lease of one that runs, and null once it has ended: the indexes of
-- what is alive stay small, however long the ledger of what was delivered grows. All times are microseconds UTC.
create table {jobs} (
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
	tries        bigint   not null  -- attempts that have a row in the history, ever
);

create unique index {jobs_key} on {jobs} (job_key, kind);

-- The tie-break belongs to it: without id all rows of one batch would be sorted at every claim.
create index {jobs_claim} on {jobs} (kind, due, id) where due is not null;

create index {jobs_group} on {jobs} (job_group, id) where job_group is not null and due is not null;

-- For the screen. What lives is found by the index of the claims, and of successes there are so many that the primary key finds some at once:
-- an index over all states would change with every step of every job.
create index {jobs_state} on {jobs} (state, id) where state in ('failed', 'discarded');

-- For retention: what it has pruned is no part of it.
create index {jobs_ended} on {jobs} (kind, ended) where ended > 0;

create table {job_attempts} (
	job     {string} not null,
	seq     bigint   not null,
	n       bigint   not null,
	started bigint   not null,
	ended   bigint   not null,
	error   {text}   not null,
	primary key (job, seq)
);

-- A kind's pauses: those over add up in paused_sum, the last one lies from since to until.
create table {job_kinds} (
	kind         {string} not null primary key,
	paused_sum   bigint   not null,
	paused_since bigint,
	paused_until bigint,
	reason       {text}   not null
);
