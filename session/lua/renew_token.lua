-- Notes a fresh token. KEYS: session, user. ARGV: session id, its field in the user,
-- end of the token in s, the token's field or '', most tokens kept, channel.
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HDEL', KEYS[2], ARGV[2]) -- as in load_session.lua: fails where nothing may be written
  if redis.call('EXISTS', KEYS[2]) == 1 then return 'ended' end
  return 'lost'
end
local newest = redis.call('HGET', KEYS[1], 'x')
if not newest or tonumber(newest) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[1], 'x', ARGV[3]) end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[4], ARGV[3])
  local kept, fields = {}, redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    if #fields[i] == 17 and fields[i] ~= ARGV[4] then kept[#kept + 1] = {fields[i], tonumber(fields[i + 1])} end
  end
  table.sort(kept, function(a, b) return a[2] < b[2] end)
  for i = 1, #kept + 1 - tonumber(ARGV[5]) do redis.call('HDEL', KEYS[1], kept[i][1]) end
end
redis.call('PUBLISH', ARGV[6], 'renewed ' .. ARGV[1] .. ' ' .. ARGV[3])
return 'done'
