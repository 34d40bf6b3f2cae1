-- A session and its user's facts, led by the id that was asked for.
-- KEYS: session, user. ARGV: session id, its field in the user, the token's field or ''.
local s = redis.call('HMGET', KEYS[1], 'c', 'e', 'l', 'x', 'i', 'r', ARGV[3])
local u = redis.call('HMGET', KEYS[2], 'a', 'o', 'n', 'p')
if s[1] and u[1] then
  return {ARGV[1], 'found', s[1], s[2], s[3], s[4], s[5], s[6], s[7], u[1], u[2], u[3], u[4]}
end
-- That it isn't there is believed only from a node that may write: a replica
-- that has not caught up fails here and says nothing.
redis.call('HDEL', KEYS[2], ARGV[2])
-- Users are kept for good. Where even the user is gone, the data was lost.
if u[1] then return {ARGV[1], 'ended'} end
return {ARGV[1], 'lost'}
