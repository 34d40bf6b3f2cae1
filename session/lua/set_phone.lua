-- Keeps the phone number of a user who is there. KEYS: user, sessions. ARGV: phone.
-- Returns the random halves of the sessions that it changes, or 0 where there is no such user.
if redis.call('HEXISTS', KEYS[1], 'o') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'p', ARGV[1])
local changed = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if #name == 17 and string.find('sw', string.sub(name, 17), 1, true) then changed[#changed + 1] = string.sub(name, 1, 16) end
end
return changed
