-- Claims a login code that may be claimed already. KEYS: claim, response. ARGV: claimant, hash of the idempotency
-- key or '', claim's ms, hash that is the pre-fetch's key or '' where it is off, ms that a use takes at most.
-- A claim reads state|claimant|hash, with state open, or done where there will be no response, and |second where
-- the pre-fetch and the client have both come: second is the later one's hash, or its claimant where it has none.
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], 'open|' .. ARGV[1] .. '|' .. ARGV[2], 'PX', ARGV[3])
  return {'mine'}
end
local state, claimant, hash, second = string.match(held, '^(%a+)|([^|]*)|([^|]*)|?(.*)$')
if state == 'open' and claimant == ARGV[1] then return {'mine'} end -- run again after a lost reply
local own = ARGV[2]
if own == '' then own = ARGV[1] end
local ttl = redis.call('PTTL', KEYS[1])
if hash ~= own and second ~= own then
  local crosses = (hash == ARGV[4]) ~= (ARGV[2] == ARGV[4])
  if ARGV[4] == '' or second ~= '' or not crosses then return {'used'} end
  redis.call('SET', KEYS[1], held .. '|' .. own, 'PX', math.max(ttl, 1))
end
local response = redis.call('GET', KEYS[2])
if response then return {'response', response} end
if state == 'open' and ttl > tonumber(ARGV[3]) - tonumber(ARGV[5]) then return {'wait'} end
return {'used'}
