-- Loads everything stored of a user. KEYS: user, sessions, profile.
local user = redis.call('HGETALL', KEYS[1])
local sessions = redis.call('HGETALL', KEYS[2])
local profile = redis.call('GET', KEYS[3])
return {user, sessions, profile or ''}
