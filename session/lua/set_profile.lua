-- Stores the profile of an existing user. KEYS: user, profile. ARGV: profile or ''.
-- Returns 1, or 0 if there is no such user.
if redis.call('HEXISTS', KEYS[1], 'o') == 0 then return 0 end
if ARGV[1] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[1])
end
return 1
