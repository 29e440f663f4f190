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
	payload      {bytes}  not null,
	aside        {bytes},           -- a newer payload, given while the job ran
	aside_mode   smallint not null, -- 0 none, 1 taken unless the attempt succeeds, 2 taken always
	result       {bytes},
	unsure_since bigint,            -- null: sure
	hand_state   {string},          -- before it was put back by hand; null: not by hand
	hand_due     bigint,
	last_error   {text}   not null,
	token        {string} not null, -- of the last claim
	started      bigint   not null, -- the last claim
	tries        bigint   not null  -- attempts in the history, ever
);

create unique index {jobs_key} on {jobs} (kind, job_key);

-- The tie-break belongs to it: without id all rows of one batch would be sorted at every claim.
create index {jobs_claim} on {jobs} (kind, due, id) where due is not null;

create index {jobs_group} on {jobs} (job_group, id) where job_group is not null and due is not null;

create index {jobs_state} on {jobs} (state, id);

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
