-- Uses up a ticket and starts a web session, or keeps the one that the browser has.
-- KEYS: ticket, sessions. ARGV: 1 the ticket's record, 2 hash of the client, 3 random half of the parent,
-- 4 that of the web session or '' to start none, 5 its record, 6 its last use, 7 kind and hash of its token,
-- 8 that token's record, 9 maximum number of web sessions, 10 how long the same client gets the same response, in ms.
-- Returns done and the web sessions that were replaced; again; or gone if the ticket can't be used.
local ticket = redis.call('GET', KEYS[1])
if ticket == 'used' .. ARGV[2] .. ARGV[1] then return {'again', {}} end
if ticket ~= 'open' .. ARGV[1] then return {'gone', {}} end
if redis.call('HEXISTS', KEYS[2], ARGV[3] .. 's') == 0 then
  redis.call('HDEL', KEYS[2], '') -- as in load_session.lua: fails on a node that can't write
  return {'gone', {}}
end
local replaced = {}
if ARGV[4] ~= '' then
  local pages, names = {}, redis.call('HGETALL', KEYS[2])
  for i = 1, #names, 2 do
    if #names[i] == 17 and string.sub(names[i], 17) == 'w' and string.sub(names[i + 1], 1, 16) == ARGV[3] then
      local id = string.sub(names[i], 1, 16)
      local seen = string.match(redis.call('HGET', KEYS[2], id .. 'l') or '', '^%d+') or '0'
      pages[#pages + 1] = {id, tonumber(seen)}
    end
  end
  table.sort(pages, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
  while #pages >= tonumber(ARGV[9]) do
    local id = table.remove(pages, 1)[1]
    for i = 1, #names, 2 do
      if string.sub(names[i], 1, 16) == id then redis.call('HDEL', KEYS[2], names[i]) end
    end
    replaced[#replaced + 1] = id
  end
  redis.call('HSET', KEYS[2], ARGV[4] .. 'w', ARGV[5], ARGV[4] .. 'l', ARGV[6], ARGV[4] .. ARGV[7], ARGV[8])
end
redis.call('SET', KEYS[1], 'used' .. ARGV[2] .. ARGV[1], 'PX', ARGV[10])
return {'done', replaced}
