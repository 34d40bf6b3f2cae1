-- Ends a claim without a response. KEYS: claim. ARGV: claimant, hash, 'keep' or 'release'.
local held = redis.call('GET', KEYS[1])
local mine = ARGV[1] .. '|' .. ARGV[2]
local second = held and string.match(held, '^open|[^|]*|[^|]*(.*)$')
if not second or held ~= 'open|' .. mine .. second then return 0 end
if ARGV[3] == 'release' then
  redis.call('DEL', KEYS[1])
  return 1
end
local ttl = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], 'done|' .. mine .. second, 'PX', math.max(ttl, 1))
return 1
