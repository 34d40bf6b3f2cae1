-- A login, refused to a banned user; the oldest sessions above the maximum give way.
-- Answers done, whether it is the user's first, how many gave way, unionid and phone as now known,
-- and the events; or blocked with the ban.
-- KEYS: user, session.
local user, session = KEYS[1], KEYS[2]
local now, rand, ends, ttl, most, channel = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local tag, sessions, jars = ARGV[7], ARGV[8], ARGV[9]
local token_end, token_field, sealed = ARGV[10], ARGV[11], ARGV[12]
local appid, openid, unionid, phone = ARGV[13], ARGV[14], ARGV[15], ARGV[16]
local user_id, roles, told = ARGV[17], ARGV[18], ARGV[19]

if redis.call('EXISTS', session) == 1 then -- asked again after a lost answer
  local u = redis.call('HMGET', user, 'n', 'p')
  return {'done', redis.call('HEXISTS', session, 'w'), 0, u[1] or '', u[2] or ''}
end
local ban = redis.call('HMGET', user, 'b', 'B')
if ban[1] then
  if ban[1] == '0' or tonumber(ban[1]) > tonumber(now) then return {'blocked', ban[1], ban[2] or ''} end
  redis.call('HDEL', user, 'b', 'B')
end

local first = redis.call('HSETNX', user, 'f', now)
local stale = phone ~= '' or (unionid ~= '' and redis.call('HGET', user, 'n') ~= unionid)
redis.call('HSET', user, 'a', appid, 'o', openid)
if tonumber(redis.call('HGET', user, 'l') or '0') < tonumber(now) then redis.call('HSET', user, 'l', now) end
local function put(key, field, value)
  if value ~= '' then redis.call('HSET', key, field, value) end
end
put(user, 'n', unionid)
put(user, 'p', phone)
if told == '1' then
  redis.call('HDEL', user, 'i', 'r')
  put(user, 'i', user_id)
  put(user, 'r', roles)
end

local alive, fields = {}, redis.call('HGETALL', user)
for i = 1, #fields, 2 do
  if #fields[i] == 22 then
    if redis.call('EXISTS', sessions .. fields[i]) == 1 then
      alive[#alive + 1] = {fields[i], tonumber(fields[i + 1])}
    else
      redis.call('HDEL', user, fields[i])
    end
  end
end
table.sort(alive, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
local ended = {}
while #alive >= most do
  local old = table.remove(alive, 1)[1]
  redis.call('DEL', sessions .. old, jars .. old)
  redis.call('HDEL', user, old)
  ended[#ended + 1] = tag .. old
end

redis.call('HSET', session, 'c', now, 'e', ends, 'l', now, 'x', token_end, 'k', sealed)
put(session, 'i', user_id)
put(session, 'r', roles)
if token_field ~= '' then redis.call('HSET', session, token_field, token_end) end
if first == 1 then redis.call('HSET', session, 'w', '1') end
redis.call('PEXPIRE', session, ttl)
redis.call('HSET', user, rand, now)

local answer = {'done', first, #ended, redis.call('HGET', user, 'n') or '', redis.call('HGET', user, 'p') or ''}
local function publish(event)
  redis.call('PUBLISH', channel, event)
  answer[#answer + 1] = event
end
if #ended > 0 then publish('ended ' .. table.concat(ended, ' ')) end
if stale and #alive > 0 then
  local rest = {}
  for i, a in ipairs(alive) do rest[i] = tag .. a[1] end
  publish('changed ' .. table.concat(rest, ' '))
end
return answer
