-- Ends one session. KEYS: user, session, jar. ARGV: its field in the user, channel, session id.
local there = redis.call('DEL', KEYS[2])
redis.call('DEL', KEYS[3])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], 'ended ' .. ARGV[3])
return there
