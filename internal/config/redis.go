package config

func (v *validator) checkRedis() {
	redis := v.Redis
	distinct(v, "redis.addrs", redis.Addrs)
	switch {
	case redis.Cluster && redis.MasterName != "":
		v.errorf("redis.cluster", "can't be true with redis.master_name: use either Cluster or Sentinel")
	case redis.Cluster && redis.DB != 0:
		v.errorf("redis.db", "can only be 0 with redis.cluster")
	case len(redis.Addrs) == 0 && redis.Cluster:
		v.errorf("redis.cluster", "is true but redis.addrs is empty")
	case len(redis.Addrs) == 0 && redis.MasterName != "":
		v.errorf("redis.master_name", "is set but redis.addrs is empty: list the Sentinels there")
	case len(redis.Addrs) > 1 && !redis.Cluster && redis.MasterName == "":
		v.errorf("redis.addrs", "has more than one address: set redis.cluster, or redis.master_name for Sentinels")
	}
	v.checkRedisAccounts()
	v.checkRedisNames()
	v.warnRedis()
}

func (v *validator) checkRedisAccounts() {
	redis := v.Redis
	for key, name := range map[string]string{"redis.username": redis.Username, "redis.sentinel_username": redis.SentinelUsername} {
		if !only(name, isPrintable, "") || len(name) > 256 {
			v.errorf(key, "has control characters or is longer than 256 bytes")
		}
	}
	if redis.Username != "" && redis.Password == "" {
		v.errorf("redis.password", "is empty while redis.username is not")
	}
	if redis.SentinelUsername != "" && redis.SentinelPassword == "" {
		v.errorf("redis.sentinel_password", "is empty while redis.sentinel_username is not")
	}
	if redis.SentinelPassword != "" && redis.MasterName == "" {
		v.errorf("redis.sentinel_password", "is set but redis.master_name is not: no Sentinels are used")
	}
}

func (v *validator) checkRedisNames() {
	if !only(v.Redis.MasterName, isVisible, "") || len(v.Redis.MasterName) > 256 {
		v.errorf("redis.master_name", "%s is not a name of visible ASCII characters", Quote(v.Redis.MasterName))
	}
	if !only(v.Redis.KeyPrefix, isAlphanumeric, "-_.:/") || len(v.Redis.KeyPrefix) > 64 {
		v.errorf("redis.key_prefix", "%s has more than 64 characters, or characters other than letters, digits and -_.:/", Quote(v.Redis.KeyPrefix))
	}
}

func (v *validator) warnRedis() {
	if len(v.Redis.Addrs) == 0 {
		v.warnf("redis.addrs", "is empty: sessions are stored in this process, lost when it stops, and not shared with other instances")
	}
	for i, addr := range v.Redis.Addrs {
		if !v.Redis.TLS && !isLoopbackAddress(string(addr)) {
			v.warnf(at("redis.addrs", i), "the password and the users' data are sent to %s in plain text: set redis.tls", addr)
			return
		}
	}
}
