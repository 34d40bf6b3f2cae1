-- Ends a claim. KEYS: claim, answer. ARGV: claimant, hash, 'keep' or 'release', answer or '', answer's ms.
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
if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
return 1
