package httprule

import "testing"

func TestCallsWithSecretsOrUserKeysAreNeverRelayed(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/cgi-bin/token":                         true,
		"cgi-bin/token":                          true,
		"/cgi-bin/stable_token":                  true,
		"/cgi-bin//stable_token/":                true,
		"/CGI-BIN/Token":                         true,
		"/wxa/../cgi-bin/token":                  true,
		"/sns/jscode2session":                    true,
		"/sns/oauth2/access_token":               true,
		"/sns/component/jscode2session":          true,
		"/cgi-bin/clear_quota/v2":                true,
		"/cgi-bin/component/api_component_token": true,
		"/cgi-bin/component":                     true,
		"/wxa/resetusersessionkey":               true,
		"/wxa/business/getuserencryptkey":        true,
		"/wxa/business/GetUserEncryptKey/":       true,
		"/cgi-bin/clear_quota":                   false,
		"/cgi-bin/tokens":                        false,
		"/wxa/getwxacodeunlimit":                 false,
		"/wxa/business/getuserphonenumber":       false,
		"/cgi-bin/components":                    false,
		"":                                       false,
	} {
		if NeverRelayed(path) != want {
			t.Errorf("%q: %v", path, !want)
		}
	}
}
