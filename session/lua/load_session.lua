-- A session and its user's facts, led by the requested id.
-- KEYS: sessions, user. ARGV: session id, its random half, kind and hash of an opaque token or ''.
-- Returns id, found and the fields; or id and ended, or id and lost where not even the user is there.
-- Of a web page's session the lifetime, user id and roles are its parent's, and its own record comes last.
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
-- Only a node that may write is asked whether a session is missing: a replica that
-- has not caught up fails here and says nothing.
redis.call('HDEL', KEYS[1], '')
-- Users are kept for good. Where even the user is gone, the data was lost.
if u[1] then return {ARGV[1], 'ended'} end
return {ARGV[1], 'lost'}
