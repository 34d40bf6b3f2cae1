-- A user with his sessions. KEYS: user. ARGV: session key up to the random half.
local fields, sessions = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #fields, 2 do
  if #fields[i] == 22 then
    local s = redis.call('HMGET', ARGV[1] .. fields[i], 'c', 'e', 'l')
    if s[1] then sessions[#sessions + 1] = {fields[i], s[1], s[2], s[3]} end
  end
end
return {fields, sessions}
