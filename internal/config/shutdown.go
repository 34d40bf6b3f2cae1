package config

// checkShutdown warns where a stop would cut requests that their route still
// gives time.
func (v *validator) checkShutdown() {
	longest, key := Duration(0), ""
	for i, route := range v.Routes {
		if route.Timeout > longest {
			longest, key = route.Timeout, at("routes", i)+".timeout"
		}
	}
	defaults := longest == defaultRouteTimeout && v.ShutdownTimeout == defaultShutdownTimeout
	if v.ShutdownTimeout <= longest && !defaults {
		v.warnf("shutdown_timeout", "%v is not more than %s, %v: a stop cuts requests that are still in time", v.ShutdownTimeout, key, longest)
	}
}
