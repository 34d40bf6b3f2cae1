-- GCRA by Redis's own clock, which all instances share: the time to live of the key is the time until the
-- next request is due, in whole ms, and its value how many µs less. (TIME names no key, which some proxies refuse.)
-- KEYS: limit. ARGV: µs between two at the long-run rate, how many at once. Answers the µs to wait, 0 when allowed.
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local due, ttl = 0, redis.call('PTTL', KEYS[1])
if ttl > 0 then
  local less = redis.call('GET', KEYS[1])
  due = math.max(ttl * 1000 - tonumber(less or '0'), 0)
end
due = due + step
local wait = due - burst * step
if wait > 0 then return wait end
local ms = math.ceil(due / 1000)
redis.call('SET', KEYS[1], string.format('%.0f', ms * 1000 - due), 'PX', ms)
return 0
