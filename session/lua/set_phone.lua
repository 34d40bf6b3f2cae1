-- Stores the phone number of an existing user. KEYS: user, sessions. ARGV: phone.
-- Returns the random halves of the user's sessions, or 0 if there is no such user.
if redis.call('HEXISTS', KEYS[1], 'o') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'p', ARGV[1])
local changed = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if #name == 17 and string.find('sw', string.sub(name, 17), 1, true) then changed[#changed + 1] = string.sub(name, 1, 16) end
end
return changed
