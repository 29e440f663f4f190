// Package redisstore keeps the jobs of a [retryqueue.Queue] in Redis 7 (or Valkey), single, with Sentinel or as a
// Cluster.
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: addresses})
//	store, err := redisstore.Open(ctx, client, redisstore.Config{Prefix: "shop"})
//	queue, err := retryqueue.New(retryqueue.Config{Store: store})
//
// Any number of processes may use the same prefix at once. Every key begins with {prefix}, so that a queue lies in one
// slot of a Cluster; several queues have a prefix each.
//
// # Guarantees
//
// Every change of a job is one Lua script, which Redis runs alone and whole: claims and outcomes of a batch take one
// round trip. Every claim has a fresh token, and an attempt is settled only under the token of the last claim. The
// clock is the server's (TIME), in microseconds. A call that the client sends again because the connection broke is
// answered a second time, but not done a second time, for half a minute.
//
// A job's hash is all there is to know of it. Waiting and running jobs of a kind stand in one sorted set, by their due
// time or the end of their lease; no second set of leases can lack an entry and keep a job running for ever. What an
// index lost all the same (keys removed by hand, a restore in part) is put back from the hashes: see [Store.Sweep].
//
// # Durability
//
// What is accepted survives the death of any process of ours. What the death of the server costs is the server's
// setting; [Store.Durability] reads it:
//
//	fsync     appendonly yes, appendfsync always     nothing
//	everysec  appendonly yes, appendfsync everysec   about the last second; two at worst
//	none      otherwise                              up to everything since the last snapshot
//	unknown   CONFIG GET is forbidden                ask your provider
//
// Redis replicates after it has answered: a failover to a replica may lose the last writes whatever the class. What is
// lost is lost whole: a job's outcome may be forgotten, so that it is done again, or its insertion. Where neither may
// be, use sqlstore. [Open] refuses a server that throws keys away when memory runs short (maxmemory-policy allkeys-…).
//
// # Costs
//
// All jobs are in memory: one with a payload of 70 bytes takes about 1.5 kB, from its insertion until it is pruned; its
// key, state and result stay.
//
// A script of n jobs keeps the server from serving others for n times some tens of microseconds; batches are cut at
// 1,000 jobs. Find is one script too, so that its answer is consistent. Pages in the order of creation, whole or by
// kind or state, and the counts by kind and state read little more than the page, unless what is sought is rare among
// the jobs looked at: failed, discarded and waiting jobs have an index each. A filter by attempts, error or time looks
// at every job (of those indexes, when states are given), and so do the orders by key, kind, state and next: five to
// ten microseconds per job, up to a second for each 100,000. Beyond five seconds Redis answers other clients BUSY: for
// a ledger of millions whose screen is sorted and searched, use sqlstore.
//
// # Limits
//
// There is no retryqueue.TxStore: Redis has no part in the host's SQL transaction. maxmemory must leave room; a full
// server refuses new jobs and outcomes with an error. A redis.Ring is not for this: it has no servers to fall back to.
// A context that ends makes a call return when the client's ReadTimeout has passed at the latest, or at once with
// ContextTimeoutEnabled.
package redisstore
