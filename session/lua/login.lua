-- Logs a user in, unless the user is banned. Removes expired sessions, and the oldest ones above the maximum.
-- KEYS: user, sessions, jars.
-- ARGV: 1 now in ms, 2 the session's random half, 3 its record, 4 its sealed session_key, 5 end of its token in s,
-- 6 maximum number of sessions, 7 time in ms: a session not used since then has expired, 8 time to live in ms, 9 appid, 10 openid,
-- 11 unionid, 12 kind and hash of an opaque token, 13 that token's record, 14 1 if the login hook returned user id and roles,
-- 15 the user's user id, 16 the user's roles, 17 the session's user id, 18 its roles, 19 phone, 20 end of all the
-- app's sessions in ms, 21 an expired ban to remove. From 11 on, an argument may be '', and is left out at the end.
-- Returns done, 1 for the user's first login, unionid, phone, the sessions that were replaced, those whose user has
-- changed, and the web sessions that ended with a session. If unionid and phone are those given and the lists are empty, it
-- returns the number alone, which costs Redis less. For a banned user it returns blocked and the ban.
local now, id = tonumber(ARGV[1]), ARGV[2]
local user = redis.call('HMGET', KEYS[1], 'f', 'l', 'n', 'p', 'b')
if user[5] then
  if user[5] ~= ARGV[21] then return {'blocked', user[5]} end
  redis.call('HDEL', KEYS[1], 'b')
end
local unionid, phone = ARGV[11] or '', ARGV[19] or ''
local new_unionid, new_phone = unionid ~= '' and unionid ~= user[3], phone ~= '' and phone ~= user[4]
local first = user[1] and '0' or '1'
local stored = user[1] and redis.call('HGETALL', KEYS[2]) or {}
if user[1] == ARGV[1] then -- may have run before, with its reply lost: keep the result
  first = string.match(redis.call('HGET', KEYS[2], id .. 'l') or '', '(%d)$') or '0'
end

-- The sessions are grouped only if some of them must be changed: most logins only add one. Times in ms have 13 digits
-- from 2001 to 2286, so they can be compared as texts.
local app_end = ARGV[20] or ''
local group = #stored > 0 and (#stored / 6 >= tonumber(ARGV[6]) or new_unionid or new_phone) -- a session has 3 fields or more
for i = 1, #stored, 2 do
  local kind, value = string.byte(stored[i], 17), stored[i + 1]
  if kind == 108 then -- l
    group = group or string.sub(value, 1, 13) <= ARGV[7]
  elseif kind == 115 then -- s
    group = group or string.sub(value, 15, 27) <= ARGV[1] or string.sub(value, 1, 13) <= app_end
  end
end

local others -- the sessions that the login changes: lists of replaced, stale and pages
if group then
  local replaced, stale, pages = {}, {}, {}
  local sessions, of, kept, removed = {}, {}, {}, {}
  for i = 1, #stored, 2 do
    local name, value = stored[i], stored[i + 1]
    local owner, kind = string.sub(name, 1, 16), string.sub(name, 17, 17)
    local s = of[owner]
    if not s then
      s = {id = owner, fields = {}, created = 0, ends = 0, seen = 0}
      of[owner] = s
      if owner ~= id then sessions[#sessions + 1] = s end -- it exists if this ran before
    end
    s.fields[#s.fields + 1] = name
    if kind == 'w' then
      s.parent = string.sub(value, 1, 16)
    elseif kind == 's' then
      local life = string.sub(value, 1, -17) -- without the MAC, which may begin with a digit
      local created, ends = string.match(life, '^(%d+) (%d+)$')
      s.created, s.ends = tonumber(created or '0'), tonumber(ends or '0')
    elseif kind == 'l' then
      s.seen = tonumber(string.match(value, '^%d+') or '0')
    end
  end
  local function remove(s)
    for _, name in ipairs(s.fields) do redis.call('HDEL', KEYS[2], name) end
    removed[s.id] = true
  end
  for _, s in ipairs(sessions) do
    if s.parent then -- a web session: it ends with its parent
    elseif s.seen > tonumber(ARGV[7]) and s.ends > now and s.created > (tonumber(app_end) or 0) then
      kept[#kept + 1] = s
    else
      remove(s)
    end
  end
  table.sort(kept, function(a, b) return a.created < b.created or (a.created == b.created and a.id < b.id) end)
  while #kept >= tonumber(ARGV[6]) do
    local oldest = table.remove(kept, 1)
    remove(oldest)
    replaced[#replaced + 1] = oldest.id
  end
  for _, s in ipairs(sessions) do
    if s.parent and (not of[s.parent] or removed[s.parent]) then
      remove(s)
      pages[#pages + 1] = s.id
    elseif s.parent and (new_unionid or new_phone) then
      stale[#stale + 1] = s.id
    end
  end
  if next(removed) then
    for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do
      if removed[string.sub(name, 1, 16)] then redis.call('HDEL', KEYS[3], name) end
    end
  end
  if new_unionid or new_phone then
    for _, s in ipairs(kept) do stale[#stale + 1] = s.id end
  end
  others = {replaced, stale, pages}
end

local first_login, last_login = user[1] or ARGV[1], ARGV[1]
if (tonumber(user[2] or '') or 0) > now then last_login = user[2] end
if new_unionid then
  redis.call('HSET', KEYS[1], 'a', ARGV[9], 'o', ARGV[10], 'f', first_login, 'l', last_login, 'n', unionid)
else
  redis.call('HSET', KEYS[1], 'a', ARGV[9], 'o', ARGV[10], 'f', first_login, 'l', last_login)
end
if new_phone then redis.call('HSET', KEYS[1], 'p', phone) end
if ARGV[14] == '1' then
  redis.call('HDEL', KEYS[1], 'i', 'r')
  if (ARGV[15] or '') ~= '' then redis.call('HSET', KEYS[1], 'i', ARGV[15]) end
  if (ARGV[16] or '') ~= '' then redis.call('HSET', KEYS[1], 'r', ARGV[16]) end
end

redis.call('HSET', KEYS[2], id .. 's', ARGV[3], id .. 'k', ARGV[4], id .. 'l', ARGV[1] .. ' ' .. ARGV[5] .. ' ' .. first)
if (ARGV[12] or '') ~= '' then redis.call('HSET', KEYS[2], id .. ARGV[12], ARGV[13]) end
if (ARGV[17] or '') ~= '' then redis.call('HSET', KEYS[2], id .. 'i', ARGV[17]) end
if (ARGV[18] or '') ~= '' then redis.call('HSET', KEYS[2], id .. 'r', ARGV[18]) end
if not user[1] or redis.call('PTTL', KEYS[2]) < tonumber(ARGV[8]) then redis.call('PEXPIRE', KEYS[2], ARGV[8]) end

local known_unionid, known_phone = user[3] or '', user[4] or ''
if unionid ~= '' then known_unionid = unionid end
if phone ~= '' then known_phone = phone end
if not others and known_unionid == unionid and known_phone == phone then return tonumber(first) end
others = others or {{}, {}, {}}
return {'done', tonumber(first), known_unionid, known_phone, others[1], others[2], others[3]}
