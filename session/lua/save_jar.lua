-- Replaces one backend's cookies, kept as long as the session.
-- KEYS: session, jar. ARGV: backend, the sealed jar as it was or '', as it shall be or ''.
-- Answers done, changed where it was not as it was, or ended.
local ttl = redis.call('PTTL', KEYS[1])
if ttl <= 0 then return 'ended' end
local now = redis.call('HGET', KEYS[2], ARGV[1]) or ''
if now == ARGV[3] then return 'done' end -- asked again after a lost answer
if now ~= ARGV[2] then return 'changed' end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
redis.call('PEXPIRE', KEYS[2], ttl)
return 'done'
