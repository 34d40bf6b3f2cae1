-- Ends one session, and the web sessions that were opened from it. KEYS: sessions, jars. ARGV: its random half.
-- Returns 1 if it existed, else 0, and the random halves of the web sessions.
local names = redis.call('HKEYS', KEYS[1])
local existed = redis.call('HDEL', KEYS[1], ARGV[1] .. 's') + redis.call('HDEL', KEYS[1], ARGV[1] .. 'w')
local ended, pages = {[ARGV[1]] = true}, {}
for _, name in ipairs(names) do
  if #name == 17 and string.sub(name, 17) == 'w' then
    local page = string.sub(name, 1, 16)
    if page ~= ARGV[1] and string.sub(redis.call('HGET', KEYS[1], name) or '', 1, 16) == ARGV[1] then
      ended[page] = true
      pages[#pages + 1] = page
    end
  end
end
for _, name in ipairs(names) do
  if ended[string.sub(name, 1, 16)] then redis.call('HDEL', KEYS[1], name) end
end
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if ended[string.sub(name, 1, 16)] then redis.call('HDEL', KEYS[2], name) end
end
return {existed, pages}
