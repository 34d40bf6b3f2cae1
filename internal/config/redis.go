package config

func (v *validator) checkRedis() {
	redis := v.Redis
	for i, addr := range redis.Addrs {
		v.checkAddress(at("redis.addrs", i), addr, true)
	}
	distinct(v, "redis.addrs", redis.Addrs)
	switch {
	case redis.Cluster && redis.MasterName != "":
		v.errorf("redis.cluster", "can't be true with redis.master_name: it is either Cluster or Sentinel")
	case redis.Cluster && redis.DB != 0:
		v.errorf("redis.db", "can only be 0 with redis.cluster")
	case len(redis.Addrs) == 0 && redis.Cluster:
		v.errorf("redis.cluster", "is true but redis.addrs is empty")
	case len(redis.Addrs) == 0 && redis.MasterName != "":
		v.errorf("redis.master_name", "is set but redis.addrs is empty: they are the Sentinels")
	case len(redis.Addrs) > 1 && !redis.Cluster && redis.MasterName == "":
		v.errorf("redis.addrs", "has more than one address: set redis.cluster, or redis.master_name for Sentinels")
	}
	v.checkRedisNames()
}

func (v *validator) checkRedisNames() {
	if !only(v.Redis.Username, isPrintable, "") || len(v.Redis.Username) > 256 {
		v.errorf("redis.username", "has control characters or is longer than 256")
	}
	if v.Redis.Username != "" && v.Redis.Password == "" {
		v.errorf("redis.password", "is empty while redis.username is not")
	}
	if !only(v.Redis.MasterName, isVisible, "") || len(v.Redis.MasterName) > 256 {
		v.errorf("redis.master_name", "%s is not a name of visible ASCII characters", Quote(v.Redis.MasterName))
	}
	if !only(v.Redis.KeyPrefix, isAlphanumeric, "-_.:/") || len(v.Redis.KeyPrefix) > 64 {
		v.errorf("redis.key_prefix", "%s has more than 64 characters, or others than letters, digits and -_.:/", Quote(v.Redis.KeyPrefix))
	}
}
