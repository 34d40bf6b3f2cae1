-- Claims a login code that may be claimed already. KEYS: claim, response. ARGV: claimant, hash of the idempotency
-- key or '', lifetime of a claim in ms, hash that is the pre-fetch's key or '' if it is off, maximum duration of a use in ms.
-- A claim is state|claimant|hash. state is open, or done if there will be no response. |second is appended once both the
-- pre-fetch and the client have sent the code: the hash of the later one, or its claimant if it has no hash.
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
