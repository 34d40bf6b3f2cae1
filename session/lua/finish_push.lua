-- Ends a claim on a message. KEYS: claim. ARGV: claimant, keep or release, sealed reply, ms that it is kept.
-- A claim that lapsed and is somebody else's by now stays his; one that nobody took over is finished late.
local held = redis.call('GET', KEYS[1])
if held and held ~= 'open|' .. ARGV[1] then return 0 end
if ARGV[2] == 'keep' then
  redis.call('SET', KEYS[1], 'done|' .. ARGV[3], 'PX', ARGV[4])
else
  redis.call('DEL', KEYS[1])
end
return 1
