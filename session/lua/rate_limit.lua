-- GCRA by Redis's clock, which all instances share: the key's time to live is the time until the theoretical arrival
-- time of the next request, rounded up to ms, and its value is the rounding in µs. (Some proxies refuse TIME: it has no key.)
-- KEYS: limit. ARGV: µs between two requests at the average rate, burst, and the value and time to live in ms after a
-- first request. Returns the µs to wait, 0 if allowed.
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
