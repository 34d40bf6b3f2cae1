-- Loads a session and its user's data.
-- KEYS: sessions, user. ARGV: session id, its random half, kind and hash of an opaque token or ''.
-- Returns the session id, found and the fields; or the id and ended; or the id and lost if the user doesn't exist either.
-- For a web session, lifetime, user id and roles are its parent's, and the last field is its parent field.
local id = ARGV[2]
local s = redis.call('HMGET', KEYS[1], id .. 's', id .. 'l', id .. 'i', id .. 'r', id .. ARGV[3], id .. 'w')
local u = redis.call('HMGET', KEYS[2], 'a', 'o', 'n', 'p')
if s[6] then
  local parent = string.sub(s[6], 1, 16)
  local p = redis.call('HMGET', KEYS[1], parent .. 's', parent .. 'i', parent .. 'r')
  s[1], s[3], s[4] = p[1], p[2], p[3]
end
if s[1] and s[2] and u[1] then
  return {ARGV[1], 'found', s[1], s[2], s[3], s[4], s[5], u[1], u[2], u[3], u[4], s[6]}
end
-- Only a node that can write may report a missing session: on a replica, which may lag behind, this command fails.
redis.call('HDEL', KEYS[1], '')
-- Users are never deleted. If the user doesn't exist either, the data was lost.
if u[1] then return {ARGV[1], 'ended'} end
return {ARGV[1], 'lost'}
