-- Ends all sessions of a user and, if there is a ban, stores it in the same step. The deletions come first: a Redis
-- without free memory accepts them, and then has memory for the ban.
-- KEYS: user, sessions, jars. ARGV: ban or '', appid, openid. Returns the random halves of the sessions, and
-- of the web sessions that were opened from them.
local ended, pages = {}, {}
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if #name == 17 and string.sub(name, 17) == 's' then ended[#ended + 1] = string.sub(name, 1, 16) end
  if #name == 17 and string.sub(name, 17) == 'w' then pages[#pages + 1] = string.sub(name, 1, 16) end
end
redis.call('DEL', KEYS[2])
redis.call('DEL', KEYS[3])
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'a', ARGV[2], 'o', ARGV[3], 'b', ARGV[1]) end
return {ended, pages}
