-- Acquires a lock, also if the same claimant already has it. KEYS: lock. ARGV: claimant, ms.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0
