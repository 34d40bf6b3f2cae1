-- The sealed session_key of the newest session. KEYS: user. ARGV: session key up to the random half.
local best, at, fields = {}, -1, redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if #fields[i] == 22 and tonumber(fields[i + 1]) > at then
    local sealed = redis.call('HGET', ARGV[1] .. fields[i], 'k')
    if sealed then best, at = {fields[i], sealed}, tonumber(fields[i + 1]) end
  end
end
return best
