-- A login, refused to a banned user. Sessions that ran out are removed, and the
-- oldest above the maximum make room.
-- KEYS: user, sessions, jars.
-- ARGV: 1 now in ms, 2 the session's random half, 3 its record, 4 its sealed session_key,
-- 5 end of its token in s, 6 kind and hash of an opaque token or '', 7 that token's record,
-- 8 the session's user id or '', 9 its roles or '', 10 most sessions, 11 idle time in ms,
-- 12 time to live in ms, 13 end of all the app's sessions in ms, 14 appid, 15 openid, 16 unionid or '',
-- 17 phone or '', 18 1 where user id and roles are told, 19 the user's user id or '', 20 his roles or '',
-- 21 a ban that is over or ''.
-- Answers done, 1 for the user's first login, unionid, phone, the sessions that were replaced, those whose
-- user has changed, and the web pages that end with a session; or blocked with the ban.
local now, id = tonumber(ARGV[1]), ARGV[2]
local user = redis.call('HMGET', KEYS[1], 'f', 'l', 'n', 'p', 'b')
local stored = redis.call('HGETALL', KEYS[2])

local sessions, of = {}, {}
for i = 1, #stored, 2 do
  local name, value = stored[i], stored[i + 1]
  local owner, kind = string.sub(name, 1, 16), string.sub(name, 17, 17)
  local s = of[owner]
  if not s then
    s = {id = owner, fields = {}, created = 0, ends = 0, seen = 0, first = '0'}
    of[owner] = s
    sessions[#sessions + 1] = s
  end
  s.fields[#s.fields + 1] = name
  if kind == 'w' then
    s.parent = string.sub(value, 1, 16)
  elseif kind == 's' then
    local life = string.sub(value, 1, -17) -- behind it lies the MAC, which may begin with a digit
    local created, ends = string.match(life, '^(%d+) (%d+)$')
    s.created, s.ends = tonumber(created or '0'), tonumber(ends or '0')
  elseif kind == 'l' then
    local seen, first = string.match(value, '^(%d+) %d+ (%d)')
    s.seen, s.first = tonumber(seen or '0'), first or '0'
  end
end
if of[id] then -- run again after a lost reply
  return {'done', tonumber(of[id].first), user[3] or '', user[4] or '', {}, {}, {}}
end
if user[5] and user[5] ~= ARGV[21] then return {'blocked', user[5]} end
if user[5] then redis.call('HDEL', KEYS[1], 'b') end

local alive, removed, replaced = {}, {}, {}
local function remove(s)
  for _, name in ipairs(s.fields) do redis.call('HDEL', KEYS[2], name) end
  removed[s.id] = true
end
for _, s in ipairs(sessions) do
  if s.parent then -- a web page: it goes with its session
  elseif now < math.min(s.seen + tonumber(ARGV[11]), s.ends) and s.created > tonumber(ARGV[13]) then
    alive[#alive + 1] = s
  else
    remove(s)
  end
end
table.sort(alive, function(a, b) return a.created < b.created or (a.created == b.created and a.id < b.id) end)
while #alive >= tonumber(ARGV[10]) do
  local oldest = table.remove(alive, 1)
  remove(oldest)
  replaced[#replaced + 1] = oldest.id
end
local pages = {}
for _, s in ipairs(sessions) do
  if s.parent and (not of[s.parent] or removed[s.parent]) then
    remove(s)
    pages[#pages + 1] = s.id
  end
end
if next(removed) then
  for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do
    if removed[string.sub(name, 1, 16)] then redis.call('HDEL', KEYS[3], name) end
  end
end

local first = user[1] and '0' or '1'
redis.call('HSET', KEYS[1], 'a', ARGV[14], 'o', ARGV[15], 'f', user[1] or ARGV[1],
  'l', string.format('%.0f', math.max(now, tonumber(user[2] or '0'))))
local changed = ARGV[17] ~= '' and ARGV[17] ~= user[4] or ARGV[16] ~= '' and ARGV[16] ~= user[3]
if ARGV[16] ~= '' then redis.call('HSET', KEYS[1], 'n', ARGV[16]) end
if ARGV[17] ~= '' then redis.call('HSET', KEYS[1], 'p', ARGV[17]) end
if ARGV[18] == '1' then
  redis.call('HDEL', KEYS[1], 'i', 'r')
  if ARGV[19] ~= '' then redis.call('HSET', KEYS[1], 'i', ARGV[19]) end
  if ARGV[20] ~= '' then redis.call('HSET', KEYS[1], 'r', ARGV[20]) end
end

redis.call('HSET', KEYS[2], id .. 's', ARGV[3], id .. 'k', ARGV[4], id .. 'l', ARGV[1] .. ' ' .. ARGV[5] .. ' ' .. first)
if ARGV[6] ~= '' then redis.call('HSET', KEYS[2], id .. ARGV[6], ARGV[7]) end
if ARGV[8] ~= '' then redis.call('HSET', KEYS[2], id .. 'i', ARGV[8]) end
if ARGV[9] ~= '' then redis.call('HSET', KEYS[2], id .. 'r', ARGV[9]) end
if #alive == 0 or redis.call('PTTL', KEYS[2]) < tonumber(ARGV[12]) then redis.call('PEXPIRE', KEYS[2], ARGV[12]) end

local stale = {}
if changed then
  for i, s in ipairs(alive) do stale[i] = s.id end
  for _, s in ipairs(sessions) do
    if s.parent and not removed[s.id] then stale[#stale + 1] = s.id end
  end
end
if ARGV[16] ~= '' then user[3] = ARGV[16] end
if ARGV[17] ~= '' then user[4] = ARGV[17] end
return {'done', tonumber(first), user[3] or '', user[4] or '', replaced, stale, pages}
