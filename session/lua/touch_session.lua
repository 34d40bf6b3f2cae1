-- Notes when a session was last used and lets it live on from there.
-- KEYS: session, jar. ARGV: last use in ms, time to live in ms, id of the first secret.
-- Answers 0: gone, 1: done, or the session_key that another secret sealed.
local s = redis.call('HMGET', KEYS[1], 'l', 'k')
if not s[1] then return 0 end
if tonumber(ARGV[1]) > tonumber(s[1]) then
  redis.call('HSET', KEYS[1], 'l', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
if s[2] and string.sub(s[2], 1, 4) ~= ARGV[3] then return s[2] end
return 1
