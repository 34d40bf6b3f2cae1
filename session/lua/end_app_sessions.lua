-- Ends all sessions of an app that were created until now. KEYS: app. ARGV: now in ms. Returns the latest end.
local before = redis.call('GET', KEYS[1])
if before and tonumber(before) >= tonumber(ARGV[1]) then return before end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
