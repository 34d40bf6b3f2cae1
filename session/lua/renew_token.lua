-- Stores a new token. KEYS: sessions, user. ARGV: session's random half, end of the token in s,
-- kind and hash of an opaque token or '', that token's record, maximum number of opaque tokens.
local id = ARGV[1]
local last = redis.call('HGET', KEYS[1], id .. 'l')
local seen, newest, first = string.match(last or '', '^(%d+) (%d+) (%d)$')
if not seen then
  redis.call('HDEL', KEYS[1], '') -- as in load_session.lua: fails on a node that can't write
  if redis.call('EXISTS', KEYS[2]) == 1 then return 'ended' end
  return 'lost'
end
if tonumber(newest) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], id .. 'l', seen .. ' ' .. ARGV[2] .. ' ' .. first)
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], id .. ARGV[3], ARGV[4])
  local tokens, stored = {}, redis.call('HGETALL', KEYS[1])
  for i = 1, #stored, 2 do
    local name = stored[i]
    if #name == 33 and string.sub(name, 1, 17) == id .. 't' and name ~= id .. ARGV[3] then
      local ends = string.sub(stored[i + 1], 1, -17) -- without the MAC, which may begin with a digit
      tokens[#tokens + 1] = {name, tonumber(ends) or 0}
    end
  end
  table.sort(tokens, function(a, b) return a[2] < b[2] end)
  for i = 1, #tokens + 1 - tonumber(ARGV[5]) do redis.call('HDEL', KEYS[1], tokens[i][1]) end
end
return 'done'
