-- What every script needs: to run, and to write. KEYS: probe. ARGV: anything, ms to keep it.
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
