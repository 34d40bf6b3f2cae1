-- Stores when a session was last used, and extends its time to live accordingly.
-- KEYS: sessions, jars. ARGV: session's random half, last use in ms, time to live in ms, id of the first secret.
-- Returns 0 if it doesn't exist, 1, or the session_key if it was sealed with another secret.
local s = redis.call('HMGET', KEYS[1], ARGV[1] .. 'l', ARGV[1] .. 'k')
if not s[1] then return 0 end
local seen, rest = string.match(s[1], '^(%d+)(.*)$')
if tonumber(ARGV[2]) > tonumber(seen or '0') then
  redis.call('HSET', KEYS[1], ARGV[1] .. 'l', ARGV[2] .. (rest or ''))
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
  end
end
if s[2] and string.sub(s[2], 1, 4) ~= ARGV[4] then return s[2] end
return 1
