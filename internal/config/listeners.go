package config

func (v *validator) checkListeners() {
	v.checkAddress("listen", v.Listen, false)
	v.checkAddress("admin.listen", v.Admin.Listen, false)
	if len(v.Admin.Tokens) == 0 && !isLoopback(v.Admin.Listen) {
		v.errorf("admin.listen", "%s is not a loopback address: without admin.tokens only those may be listened on", Quote(v.Admin.Listen))
	}
	if sameSocket(v.Listen, v.Admin.Listen) {
		v.errorf(v.firstWritten("admin.listen", "listen"), "listen is %s and admin.listen is %s: the private listener wants a port of its own",
			Quote(v.Listen), Quote(v.Admin.Listen))
	}
}
