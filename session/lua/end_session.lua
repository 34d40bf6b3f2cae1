-- Ends one session. KEYS: sessions, jars. ARGV: its random half. Answers 1 if it was there.
local there = redis.call('HDEL', KEYS[1], ARGV[1] .. 's')
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(name, 1, 16) == ARGV[1] then redis.call('HDEL', KEYS[1], name) end
end
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(name, 1, 16) == ARGV[1] then redis.call('HDEL', KEYS[2], name) end
end
return there
