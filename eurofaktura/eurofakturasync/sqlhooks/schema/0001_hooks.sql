create table if not exists {eurofaktura_hooks} (
	name    {string} not null primary key,
	token   {bytes}  not null, -- empty: void
	changed bigint   not null  -- microseconds UTC
);
