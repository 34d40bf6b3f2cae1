-- GCRA by Redis's own clock, which all instances share: the time to live of the key is the time until the
-- next request is due, in whole ms, and its value how many µs less. (TIME names no key, which some proxies refuse.)
-- KEYS: limit. ARGV: µs between two at the long-run rate, how many at once, and the value and the ms of a
-- first request. Returns the µs to wait, 0 when allowed.
local ttl = redis.call('PTTL', KEYS[1])
if ttl <= 0 then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  return 0
end
local step = tonumber(ARGV[1])
local less = redis.call('GET', KEYS[1])
local due = math.max(ttl * 1000 - tonumber(less or '0'), 0) + step
local wait = due - ARGV[2] * step
if wait > 0 then return wait end
local ms = math.ceil(due / 1000)
redis.call('SET', KEYS[1], ms * 1000 - due, 'PX', ms)
return 0
