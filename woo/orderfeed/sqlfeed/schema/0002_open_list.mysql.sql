-- The open list and the nights. A time that is unset is the year 1, as everywhere. What was known before counts as open until the
-- feed's next start has looked at it. is_open says whether the order is on the open list; the unique key is the index by it.
-- Each table is changed by one statement, since each commits by itself.
alter table {orderfeed_entries}
	add column number {string} not null default '',
	add column first_seen bigint not null default -62135596800000000,
	add column checked bigint not null default -62135596800000000,
	add column done smallint not null default 0,
	add column ignored smallint not null default 0,
	add column turns bigint not null default 0,
	add column is_open smallint not null default 1,
	add unique index {orderfeed_open} (feed, is_open, order_id);
update {orderfeed_entries} set is_open = 0 where failed = 1;
alter table {orderfeed_feeds}
	add column last_delivery bigint not null default -62135596800000000,
	add column suspect smallint not null default 0,
	add column last_night {string} not null default '';
