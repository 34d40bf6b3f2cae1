-- Replaces a sealed session_key, unless somebody did before. KEYS: session. ARGV: old, new.
if redis.call('HGET', KEYS[1], 'k') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'k', ARGV[2])
return 1
