-- A login, refused to a banned user; the oldest sessions above the maximum are removed. Each session has a key of its own.
-- KEYS: user, session. ARGV: 1 now, 2 the session's random half, 3 its end, 4 its time to live, 5 most sessions,
-- 6 prefix of the user's sessions, 7 of his cookie jars, 8 end of the token, 9 sealed session_key, 10 appid, 11 openid,
-- 12 unionid, 13 phone, 14 user id, 15 roles, 16 '1' where the last two are told.
-- Returns done, whether it is the first login, how many were removed, unionid and phone; or blocked with the ban.
local user, session = KEYS[1], KEYS[2]
local now, id, ends, ttl, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local sessions, jars, token_end, sealed = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

if redis.call('EXISTS', session) == 1 then -- run again after a lost reply
  local u = redis.call('HMGET', user, 'n', 'p')
  return {'done', redis.call('HEXISTS', session, 'w'), 0, u[1] or '', u[2] or ''}
end
local ban = redis.call('HMGET', user, 'b', 'B')
if ban[1] then
  if ban[1] == '0' or tonumber(ban[1]) > tonumber(now) then return {'blocked', ban[1], ban[2] or ''} end
  redis.call('HDEL', user, 'b', 'B')
end

local first = redis.call('HSETNX', user, 'f', now)
redis.call('HGET', user, 'n') -- whether other instances have to be told
redis.call('HSET', user, 'a', ARGV[10], 'o', ARGV[11])
if tonumber(redis.call('HGET', user, 'l') or '0') < tonumber(now) then redis.call('HSET', user, 'l', now) end
local function put(key, field, value)
  if value ~= '' then redis.call('HSET', key, field, value) end
end
put(user, 'n', ARGV[12])
put(user, 'p', ARGV[13])
if ARGV[16] == '1' then
  redis.call('HDEL', user, 'i', 'r')
  put(user, 'i', ARGV[14])
  put(user, 'r', ARGV[15])
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
local removed = 0
while #alive >= most do
  local old = table.remove(alive, 1)[1]
  redis.call('DEL', sessions .. old, jars .. old)
  redis.call('HDEL', user, old)
  removed = removed + 1
end

redis.call('HSET', session, 'c', now, 'e', ends, 'l', now, 'x', token_end, 'k', sealed)
put(session, 'i', ARGV[14])
put(session, 'r', ARGV[15])
if first == 1 then redis.call('HSET', session, 'w', '1') end
redis.call('PEXPIRE', session, ttl)
redis.call('HSET', user, id, now)
return {'done', first, removed, redis.call('HGET', user, 'n') or '', redis.call('HGET', user, 'p') or ''}
