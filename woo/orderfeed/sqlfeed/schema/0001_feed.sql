-- One row per feed: how far it has read, and who reads. Times are microseconds since 1970; those of entries and cursor are the
-- shop's, lease_until is the server's.
create table if not exists {orderfeed_feeds} (
	feed {string} not null,
	since bigint not null,
	modified_after bigint not null,
	seen bigint not null,
	holder {string} not null,
	lease_until bigint not null,
	primary key (feed)
);

-- One row per order that was seen. handled is a JSON list of statuses. failed says whether error is not empty; the
-- second key, which could not be violated if it tried, is the index by it in a form that every dialect takes.
create table if not exists {orderfeed_entries} (
	feed {string} not null,
	order_id bigint not null,
	status {string} not null,
	created bigint not null,
	modified bigint not null,
	handled {text} not null,
	missing smallint not null,
	error {text} not null,
	failed smallint not null,
	primary key (feed, order_id),
	unique (feed, failed, order_id)
);
