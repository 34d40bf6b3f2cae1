-- Ends a claim on a message. KEYS: claim. ARGV: claimant, keep or release, sealed reply, how long it is kept in ms.
-- After the claim has expired, this does nothing if another request has claimed the message; otherwise it still works.
local held = redis.call('GET', KEYS[1])
if held and held ~= 'open|' .. ARGV[1] then return 0 end
if ARGV[2] == 'keep' then
  redis.call('SET', KEYS[1], 'done|' .. ARGV[3], 'PX', ARGV[4])
else
  redis.call('DEL', KEYS[1])
end
return 1
