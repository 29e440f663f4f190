-- One row per nonce that was accepted. digest is of the key's fingerprint and the nonce, in hexadecimal; until is when it is over, in
-- microseconds since 1970 by the verifier's clock. The second key is an index in a form that every dialect takes.
create table if not exists {nonces} (
	digest {string} not null,
	until bigint not null,
	primary key (digest),
	unique (until, digest)
);
