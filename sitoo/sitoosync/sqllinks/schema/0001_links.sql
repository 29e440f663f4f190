create table if not exists {sitoo_links} (
	sync     {string} not null, -- Config.Name
	kind     {string} not null,
	woo      {string} not null,
	sitoo    {string} not null,
	checksum {string} not null,
	primary key (sync, kind, woo),
	unique (sync, kind, sitoo)
);
create table if not exists {sitoo_states} (
	sync  {string} not null,
	name  {string} not null,
	value {bytes}  not null,
	primary key (sync, name)
);
