-- Claims a login code. KEYS: claim, response. ARGV: claimant, hash of the idempotency key or '', claim's ms.
-- A claim reads state|claimant|hash, with state open or done.
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], 'open|' .. ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
  return {'mine'}
end
if held == 'open|' .. ARGV[1] .. '|' .. ARGV[2] then return {'mine'} end
local state, hash = string.match(held, '^(%a+)|[^|]*|(.*)$')
if ARGV[2] == '' or hash ~= ARGV[2] then return {'used'} end
local response = redis.call('GET', KEYS[2])
if response then return {'response', response} end
if state == 'open' then return {'wait'} end
return {'used'}
