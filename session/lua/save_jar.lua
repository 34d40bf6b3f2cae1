-- Replaces one backend's cookies of one session, which expire with the user's sessions.
-- KEYS: sessions, jars. ARGV: session's random half, the jar's field, the old sealed jar or '', the new one or ''.
-- Returns done, changed if the stored jar is not the old one, or ended.
if redis.call('HEXISTS', KEYS[1], ARGV[1] .. 's') == 0 then return 'ended' end
local current = redis.call('HGET', KEYS[2], ARGV[2]) or ''
if current == ARGV[4] then return 'done' end -- run again after a lost reply
if current ~= ARGV[3] then return 'changed' end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
  return 'done'
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 then redis.call('PEXPIRE', KEYS[2], ttl) end
return 'done'
