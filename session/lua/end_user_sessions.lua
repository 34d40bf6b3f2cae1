-- Ends all sessions of a user and, where ARGV[5] isn't empty, bans him in the same step.
-- KEYS: user. ARGV: session key up to the random half, the same of its jar, tag, channel,
-- end of the ban in ms (0: for good) or '', reason, appid, openid. Answers their number and the event.
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'a', ARGV[7], 'o', ARGV[8], 'b', ARGV[5], 'B', ARGV[6])
end
local count, ended = 0, {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if #field == 22 then
    count = count + redis.call('DEL', ARGV[1] .. field)
    redis.call('DEL', ARGV[2] .. field)
    redis.call('HDEL', KEYS[1], field)
    ended[#ended + 1] = ARGV[3] .. field
  end
end
if #ended == 0 then return {0, ''} end
local event = 'ended ' .. table.concat(ended, ' ')
redis.call('PUBLISH', ARGV[4], event)
return {count, event}
