-- data is the row as JSON, empty for one that was locked before it existed. sku_key is what SKUs have in common that are compared as
-- one. All times are microseconds UTC.
create table if not exists {stock_rows} (
	gid     {string} not null primary key,
	sku_key {string} not null,
	version bigint   not null,
	data    {text}   not null,
	index {stock_rows_sku} (sku_key)
) engine = innodb;

-- Kept for ever: it is what the quantities are made of, and what keeps an event from being done twice.
create table if not exists {stock_ledger} (
	n      bigint   not null auto_increment primary key,
	store  {string} not null,
	source {string} not null,
	gid    {string} not null,
	delta  {text}   not null,
	note   {text}   not null,
	at     bigint   not null,
	unique index {stock_ledger_source} (store, source),
	index {stock_ledger_gid} (gid, n)
) engine = innodb;

-- due is also the end of the lease under token.
create table if not exists {stock_outbox} (
	peer    {string} not null,
	gid     {string} not null,
	version bigint   not null,
	token   {string} not null, -- empty: not leased
	since   bigint   not null,
	due     bigint   not null,
	tries   bigint   not null,
	error   {text}   not null,
	primary key (peer, gid),
	index {stock_outbox_since} (peer, since, gid)
) engine = innodb;

create table if not exists {stock_events} (
	id      bigint   not null auto_increment primary key,
	at      bigint   not null,
	level   {string} not null,
	peer    {string} not null,
	action  {string} not null,
	ref     {text}   not null,
	message {text}   not null
) engine = innodb;
