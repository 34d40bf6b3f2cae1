-- Changes fields of a user who is there; all his copies are to be asked again.
-- KEYS: user. ARGV: tag, channel, then fields and values; an empty value removes its field.
-- Answers 1 and the event, or 0 where there is no such user.
if redis.call('HEXISTS', KEYS[1], 'o') == 0 then return {0, ''} end
for i = 3, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
local sids = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if #field == 22 then sids[#sids + 1] = ARGV[1] .. field end
end
if #sids == 0 then return {1, ''} end
local event = 'changed ' .. table.concat(sids, ' ')
redis.call('PUBLISH', ARGV[2], event)
return {1, event}
