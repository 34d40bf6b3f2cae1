package main

func (r *rules) checkRedis() {
	redis := r.Redis
	for i, addr := range redis.Addrs {
		r.checkAddress(at("redis.addrs", i), addr, true)
	}
	distinct(r, "redis.addrs", redis.Addrs)
	switch {
	case redis.Cluster && redis.MasterName != "":
		r.bad("redis.cluster", "can't be true with redis.master_name: it is either Cluster or Sentinel")
	case redis.Cluster && redis.DB != 0:
		r.bad("redis.db", "can only be 0 with redis.cluster")
	case len(redis.Addrs) == 0 && redis.Cluster:
		r.bad("redis.cluster", "is true but redis.addrs is empty")
	case len(redis.Addrs) == 0 && redis.MasterName != "":
		r.bad("redis.master_name", "is set but redis.addrs is empty: they are the Sentinels")
	case len(redis.Addrs) > 1 && !redis.Cluster && redis.MasterName == "":
		r.bad("redis.addrs", "has more than one address: set redis.cluster, or redis.master_name for Sentinels")
	}
	r.checkRedisNames()
}

func (r *rules) checkRedisNames() {
	if !only(r.Redis.Username, isPrintable, "") || len(r.Redis.Username) > 256 {
		r.bad("redis.username", "has control characters or is longer than 256")
	}
	if r.Redis.Username != "" && r.Redis.Password == "" {
		r.bad("redis.password", "is empty while redis.username is not")
	}
	if !only(r.Redis.MasterName, isVisible, "") || len(r.Redis.MasterName) > 256 {
		r.bad("redis.master_name", "%s is not a name of visible ASCII characters", quoted(r.Redis.MasterName))
	}
	if !only(r.Redis.KeyPrefix, isAlphanumeric, "-_.:/") || len(r.Redis.KeyPrefix) > 64 {
		r.bad("redis.key_prefix", "%s has more than 64 characters, or others than letters, digits and -_.:/", quoted(r.Redis.KeyPrefix))
	}
}

func (r *rules) checkSessions() {
	session, token := r.Session, r.Token
	for i, key := range r.Secrets {
		if !key.looksRandom() {
			r.warning(r.line(at("secrets", i)), at("secrets", i), "does not look random: `wxgate keygen` makes a secret")
		}
	}
	if session.IdleTimeout > session.MaxLifetime {
		r.bad("session.idle_timeout", "%v is more than session.max_lifetime, %v", session.IdleTimeout, session.MaxLifetime)
	}
	if token.RenewBefore >= token.TTL {
		r.warning(r.line("token.renew_before"), "token.renew_before", "%v is not less than token.ttl, %v: every token is due at once", token.RenewBefore, token.TTL)
	}
	if token.Issuer == "" || len(token.Issuer) > 128 || !only(token.Issuer, isVisible, "") {
		r.bad("token.issuer", "%s is not a name of 1 to 128 visible ASCII characters", quoted(token.Issuer))
	}
}
