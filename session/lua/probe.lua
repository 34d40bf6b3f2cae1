-- Tests whether scripts run and can write. KEYS: probe. ARGV: any value, time to live in ms.
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
