-- Ends a claim. KEYS: claim, response. ARGV: claimant, hash, 'keep' or 'release', response or '', response's ms.
local held = ARGV[1] .. '|' .. ARGV[2]
if redis.call('GET', KEYS[1]) ~= 'open|' .. held then return 0 end
if ARGV[3] == 'release' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], 'done|' .. held, 'PX', math.max(redis.call('PTTL', KEYS[1]), 1))
if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
return 1
