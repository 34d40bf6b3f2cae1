package config

// checkShutdown warns if a shutdown would abort requests before their route's
// timeout.
func (v *validator) checkShutdown() {
	longest, key := Duration(0), ""
	for i, route := range v.Routes {
		if route.Timeout > longest {
			longest, key = route.Timeout, at("routes", i)+".timeout"
		}
	}
	bothDefault := longest == defaultRouteTimeout && v.ShutdownTimeout == defaultShutdownTimeout
	if v.ShutdownTimeout <= longest && !bothDefault {
		v.warnf("shutdown_timeout", "%v is not more than %s, %v: a shutdown aborts requests before their timeout", v.ShutdownTimeout, key, longest)
	}
}
