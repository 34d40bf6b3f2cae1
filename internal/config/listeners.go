package config

func (v *validator) checkListeners() {
	v.checkKeyPair("tls", v.TLS.CertFile, v.TLS.KeyFile)
	v.checkKeyPair("admin.tls", v.Admin.TLS.CertFile, v.Admin.TLS.KeyFile)
	v.checkPrivateListener()
	if addressesConflict(v.Listen, v.Admin.Listen) {
		v.errorf(v.firstWritten("admin.listen", "listen"), "listen is %s and admin.listen is %s: the private listener needs a port of its own",
			Quote(string(v.Listen)), Quote(string(v.Admin.Listen)))
	}
	if !v.Listen.isLoopback() && v.TLS.CertFile == "" && len(v.TrustedProxies) == 0 {
		v.warnf("listen", "tokens are sent in plain text: set tls, or terminate TLS in a proxy and list it in trusted_proxies")
	}
}

func (v *validator) checkPrivateListener() {
	admin := v.Admin
	switch {
	case admin.Listen.isLoopback() || v.hasProblem("admin.listen"):
	case len(admin.Tokens) == 0:
		v.errorf("admin.listen", "%s is not a loopback address, which is required without admin.tokens", Quote(string(admin.Listen)))
	case admin.TLS.CertFile == "":
		v.warnf("admin.listen", "admin.tokens are sent in plain text: set admin.tls, or listen on a loopback address")
	}
}
