-- data is the row as JSON, empty for one that was locked before it existed. sku_key is what SKUs have in common that are compared as
-- one. All times are microseconds UTC.
create table {stock_rows} (
	gid     {string} not null primary key,
	sku_key {string} not null,
	version bigint   not null,
	data    {text}   not null
);

create index {stock_rows_sku} on {stock_rows} (sku_key);

-- Kept for ever: it is what the quantities are made of, and what keeps an event from being done twice.
create table {stock_ledger} (
	n      integer  primary key autoincrement,
	store  {string} not null,
	source {string} not null,
	gid    {string} not null,
	delta  {text}   not null,
	note   {text}   not null,
	at     bigint   not null
);

create unique index {stock_ledger_source} on {stock_ledger} (store, source);

create index {stock_ledger_gid} on {stock_ledger} (gid, n);

-- due is also the end of the lease under token.
create table {stock_outbox} (
	peer    {string} not null,
	gid     {string} not null,
	version bigint   not null,
	token   {string} not null, -- empty: not leased
	since   bigint   not null,
	due     bigint   not null,
	tries   bigint   not null,
	error   {text}   not null,
	primary key (peer, gid)
);

create index {stock_outbox_since} on {stock_outbox} (peer, since, gid);

create table {stock_events} (
	id      integer  primary key autoincrement,
	at      bigint   not null,
	level   {string} not null,
	peer    {string} not null,
	action  {string} not null,
	ref     {text}   not null,
	message {text}   not null
);
