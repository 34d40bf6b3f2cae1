-- Ends all sessions of a user and, where there is a ban, bans him in the same step. The deletions come
-- first: a Redis that is full takes them, and after them the ban.
-- KEYS: user, sessions, jars. ARGV: ban or '', appid, openid. Returns the random halves of the sessions, and
-- of the web pages that were opened from them.
local ended, pages = {}, {}
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if #name == 17 and string.sub(name, 17) == 's' then ended[#ended + 1] = string.sub(name, 1, 16) end
  if #name == 17 and string.sub(name, 17) == 'w' then pages[#pages + 1] = string.sub(name, 1, 16) end
end
redis.call('DEL', KEYS[2])
redis.call('DEL', KEYS[3])
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'a', ARGV[2], 'o', ARGV[3], 'b', ARGV[1]) end
return {ended, pages}
