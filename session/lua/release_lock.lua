-- Releases a lock, unless it has passed to somebody else. KEYS: lock. ARGV: claimant.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
