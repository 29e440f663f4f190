create table if not exists {kledo_tokens} (
	name    {string} not null primary key,
	value   {bytes}  not null, -- empty: none was ever stored
	changed bigint   not null  -- microseconds UTC
);
