-- Claims a message of WeChat's push. KEYS: claim. ARGV: claimant, lifetime of a claim in ms.
-- A claim is open|claimant, or done| and the sealed reply.
local held = redis.call('GET', KEYS[1])
if not held or held == 'open|' .. ARGV[1] then
  redis.call('SET', KEYS[1], 'open|' .. ARGV[1], 'PX', ARGV[2])
  return {'mine'}
end
if string.sub(held, 1, 5) == 'done|' then return {'done', string.sub(held, 6)} end
return {'busy'}
