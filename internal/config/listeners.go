package config

func (v *validator) checkListeners() {
	v.checkKeyPair("tls", v.TLS.CertFile, v.TLS.KeyFile)
	v.checkKeyPair("admin.tls", v.Admin.TLS.CertFile, v.Admin.TLS.KeyFile)
	v.checkPrivateListener()
	if sameSocket(v.Listen, v.Admin.Listen) {
		v.errorf(v.firstWritten("admin.listen", "listen"), "listen is %s and admin.listen is %s: the private listener needs a port of its own",
			Quote(string(v.Listen)), Quote(string(v.Admin.Listen)))
	}
	if !v.Listen.loopback() && v.TLS.CertFile == "" && len(v.TrustedProxies) == 0 {
		v.warnf("listen", "tokens travel in plain text: set tls, or serve HTTPS by a proxy in front and name it in trusted_proxies")
	}
}

func (v *validator) checkPrivateListener() {
	admin := v.Admin
	switch {
	case admin.Listen.loopback() || v.hasProblem("admin.listen"):
	case len(admin.Tokens) == 0:
		v.errorf("admin.listen", "%s is not a loopback address: without admin.tokens only those may be listened on", Quote(string(admin.Listen)))
	case admin.TLS.CertFile == "":
		v.warnf("admin.listen", "admin.tokens travel in plain text: set admin.tls, or listen on a loopback address")
	}
}
