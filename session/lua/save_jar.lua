-- Replaces one backend's cookies of one session, kept no longer than the user's sessions.
-- KEYS: sessions, jars. ARGV: session's random half, the jar's field, the sealed jar as it was or '', as it shall be or ''.
-- Returns done, changed where it was not as it was, or ended.
if redis.call('HEXISTS', KEYS[1], ARGV[1] .. 's') == 0 then return 'ended' end
local now = redis.call('HGET', KEYS[2], ARGV[2]) or ''
if now == ARGV[4] then return 'done' end -- run again after a lost reply
if now ~= ARGV[3] then return 'changed' end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
  return 'done'
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 then redis.call('PEXPIRE', KEYS[2], ttl) end
return 'done'
