package config

import "wxgate/secret"

// Config is the config file, validated, with defaults for what the file leaves
// out. See the shipped config.yaml for what each key means, Default for the
// defaults.
//
// Tags: yaml names the key; required:"true" makes it required; oneof lists the
// allowed values; min and max bound numbers, durations and sizes; shorthand:"true"
// marks the field that a scalar in place of the mapping sets; restart says which
// change of the value takes effect at the next start only, not at a reload:
// "changed" is any, "larger" is an increase.
type Config struct {
	Listen          Address   `yaml:"listen" restart:"changed"`
	TLS             ServerTLS `yaml:"tls" restart:"changed"`
	TrustedProxies  []Network `yaml:"trusted_proxies"`
	AuthPrefix      string    `yaml:"auth_prefix"`
	ShutdownDelay   Duration  `yaml:"shutdown_delay" max:"5m"`
	ShutdownTimeout Duration  `yaml:"shutdown_timeout" max:"1h"`
	Secrets         []Key     `yaml:"secrets" required:"true"`
	Apps            []App     `yaml:"apps" required:"true"`
	WeChat          WeChat    `yaml:"wechat"`
	Redis           Redis     `yaml:"redis" restart:"changed"`
	Session         Session   `yaml:"session"`
	Token           Token     `yaml:"token"`
	Identity        Identity  `yaml:"identity"`
	PublicOrigins   []Origin  `yaml:"public_origins"`
	Web             Web       `yaml:"web"`
	Tracing         Tracing   `yaml:"tracing" restart:"changed"`
	Hooks           Hooks     `yaml:"hooks"`
	Limits          Limits    `yaml:"limits"`
	Admin           Admin     `yaml:"admin"`
	Log             Log       `yaml:"log"`
	Routes          []Route   `yaml:"routes" required:"true"`

	// Files are all files that the configuration was read from: the config file
	// first, then those of ${file:…}.
	Files []string `yaml:"-"`
	// Warnings are valid settings that are insecure or probably a mistake.
	Warnings []Problem `yaml:"-"`
}

// ServerTLS is a listener's certificate; both files or neither.
type ServerTLS struct {
	CertFile Path `yaml:"cert_file"`
	KeyFile  Path `yaml:"key_file"`
}

// Path is the path of a file. One that is relative in the config file has been
// joined with the config file's directory.
type Path string

// App is one mini program.
type App struct {
	AppID  string      `yaml:"appid" required:"true"`
	Secret secret.Text `yaml:"secret" required:"true"`
	Relay  []string    `yaml:"relay"` // WeChat API paths with a leading slash; a trailing /* includes all below

	Push        Push        `yaml:"push"`
	Prefetch    Prefetch    `yaml:"prefetch"`
	APISecurity APISecurity `yaml:"api_security"`
}

// Prefetch configures WeChat's data pre-fetch (数据预拉取): a login that WeChat's
// server requests before the mini program starts.
type Prefetch struct {
	Key secret.Text `yaml:"key"` // last segment of the URL entered in WeChat's console; empty: off
}

// Push configures WeChat's message push: the token and EncodingAESKey of WeChat's
// console, and the backend that receives the messages.
type Push struct {
	Token    secret.Text `yaml:"token"`
	AESKey   secret.Text `yaml:"aes_key"` // 43 characters; mode aes
	Mode     string      `yaml:"mode" oneof:"aes plain"`
	Upstream MaskedURL   `yaml:"upstream"` // empty: no push
	Timeout  Duration    `yaml:"timeout" min:"1ms" max:"5s"`
}

// APISecurity configures WeChat's signed and encrypted server API.
type APISecurity struct {
	Paths         []string       `yaml:"paths"` // with a leading slash; a trailing /* includes all below; none: off
	Algorithms    string         `yaml:"algorithms" oneof:"aes256_gcm+rsa sm4_gcm+sm2"`
	KeySN         string         `yaml:"key_sn"`
	Key           secret.Text    `yaml:"key"` // base64
	CertSN        string         `yaml:"cert_sn"`
	PrivateKey    secret.Text    `yaml:"private_key"` // PEM
	PlatformCerts []PlatformCert `yaml:"platform_certs"`
}

// PlatformCert is a certificate of WeChat, which verifies its responses.
type PlatformCert struct {
	SN   string `yaml:"sn" required:"true"`
	Cert string `yaml:"cert" required:"true"` // PEM
}

// WeChat configures calls of the WeChat API.
type WeChat struct {
	APIBase URL      `yaml:"api_base"` // http or https, no trailing slash
	Timeout Duration `yaml:"timeout" min:"1ms" max:"1m"`
}

// Redis configures the session store.
type Redis struct {
	Addrs            []RedisAddr `yaml:"addrs"` // none: a store in this process
	Username         string      `yaml:"username"`
	Password         secret.Text `yaml:"password"`
	DB               int         `yaml:"db" min:"0" max:"65535"`
	MasterName       string      `yaml:"master_name"`
	SentinelUsername string      `yaml:"sentinel_username"`
	SentinelPassword secret.Text `yaml:"sentinel_password"`
	Cluster          bool        `yaml:"cluster"`
	TLS              bool        `yaml:"tls"`
	KeyPrefix        string      `yaml:"key_prefix"`
}

// Session configures how long sessions last and how they are cached.
type Session struct {
	IdleTimeout  Duration `yaml:"idle_timeout" min:"1s" max:"87600h"`
	MaxLifetime  Duration `yaml:"max_lifetime" min:"1s" max:"87600h"`
	MaxPerUser   int      `yaml:"max_per_user" min:"0" max:"1000"` // 0: no limit
	CacheSize    int      `yaml:"cache_size" min:"1" max:"100000000"`
	CacheTTL     Duration `yaml:"cache_ttl" max:"1h"`
	StaleIfError Duration `yaml:"stale_if_error" max:"720h"`
}

// Token configures the gateway's own tokens.
type Token struct {
	Format      string   `yaml:"format" oneof:"jwt opaque"`
	Issuer      string   `yaml:"issuer"`
	TTL         Duration `yaml:"ttl" min:"1s" max:"87600h"`
	RenewBefore Duration `yaml:"renew_before" max:"87600h"`
}

// Identity configures how backends receive the user's identity.
type Identity struct {
	Headers    IdentityHeaders `yaml:"headers"`
	WXCloudRun bool            `yaml:"wxcloudrun"`
	Assertion  Assertion       `yaml:"assertion"`
}

// IdentityHeaders are header names; an empty one is not sent.
type IdentityHeaders struct {
	OpenID  string `yaml:"openid"`
	UnionID string `yaml:"unionid"`
	AppID   string `yaml:"appid"`
	UserID  string `yaml:"user_id"`
	Roles   string `yaml:"roles"`
	Phone   string `yaml:"phone"`
}

// Assertion configures the signed JWT of the identity.
type Assertion struct {
	Header string   `yaml:"header"` // empty: no assertion
	TTL    Duration `yaml:"ttl" min:"1s" max:"1h"`
}

// Web configures the sessions of web pages.
type Web struct {
	Cookie  string   `yaml:"cookie"` // the cookie's name; empty: no web sessions
	MaxAge  Duration `yaml:"max_age" min:"1s" max:"87600h"`
	Origins []Origin `yaml:"origins"` // other origins whose pages may send the cookie
}

// Tracing configures the export of spans by OTLP.
type Tracing struct {
	Endpoint MaskedURL              `yaml:"endpoint"` // empty: no tracing
	Protocol string                 `yaml:"protocol" oneof:"http/protobuf http/json"`
	Sample   Fraction               `yaml:"sample"`
	Headers  map[string]secret.Text `yaml:"headers"`
}

// Hooks are the gateway's calls to the operator's own services.
type Hooks struct {
	Login LoginHook `yaml:"login"`
}

// LoginHook configures the call at each login, which returns user id and roles.
type LoginHook struct {
	URL     MaskedURL `yaml:"url"` // empty: no hook
	Timeout Duration  `yaml:"timeout" min:"1ms" max:"1m"`
	OnError string    `yaml:"on_error" oneof:"deny allow"`
}

// Limits bounds what clients of the public listener may send.
type Limits struct {
	LoginPerIP        Rate     `yaml:"login_per_ip"`
	AuthPerUser       Rate     `yaml:"auth_per_user"`
	MaxConnections    int      `yaml:"max_connections" restart:"changed" min:"0" max:"10000000"` // 0: as many as descriptors allow
	MaxHeader         Size     `yaml:"max_header" restart:"larger" min:"1KiB" max:"16MiB"`
	MaxBody           Size     `yaml:"max_body"` // 0: no limit
	ReadHeaderTimeout Duration `yaml:"read_header_timeout" restart:"changed" min:"1ms" max:"5m"`
}

// Admin configures the private listener.
type Admin struct {
	Listen Address      `yaml:"listen" restart:"changed"`
	TLS    ServerTLS    `yaml:"tls" restart:"changed"`
	Tokens []AdminToken `yaml:"tokens"`
}

// AdminToken is a Bearer token of the private listener.
type AdminToken struct {
	Name   string      `yaml:"name" required:"true"`
	Token  secret.Text `yaml:"token" required:"true"`
	Scopes []Scope     `yaml:"scopes" required:"true"`
	Apps   []string    `yaml:"apps,omitempty"` // none: all
}

// Log configures the log on standard output.
type Log struct {
	Level  string `yaml:"level" oneof:"debug info warn error"`
	Format string `yaml:"format" restart:"changed" oneof:"json console"`
	Access bool   `yaml:"access"`
}

// Route is one entry of routes.
type Route struct {
	Path            string      `yaml:"path" required:"true"` // as written; /api/ and /api are the same
	Name            string      `yaml:"name"`                 // never empty after Load
	Host            string      `yaml:"host"`                 // lower case; *.example.com for all subdomains; empty: any
	Methods         []string    `yaml:"methods"`              // none: httprule.DefaultMethods
	Auth            string      `yaml:"auth" oneof:"required optional none"`
	Upstreams       []Upstream  `yaml:"upstreams" required:"true"`
	Balance         string      `yaml:"balance" oneof:"round_robin least_conn hash_openid"`
	StripPrefix     string      `yaml:"strip_prefix"`
	AddPrefix       string      `yaml:"add_prefix"`
	PreserveHost    bool        `yaml:"preserve_host"`
	Timeout         Duration    `yaml:"timeout" min:"1ms" max:"24h"`
	MaxBody         Size        `yaml:"max_body"` // 0: limits.max_body
	Retries         int         `yaml:"retries" min:"0" max:"10"`
	Health          Health      `yaml:"health"`
	Eject           Eject       `yaml:"eject"`
	RequestHeaders  HeaderRules `yaml:"request_headers"`
	ResponseHeaders HeaderRules `yaml:"response_headers"`
	RateLimit       Rate        `yaml:"rate_limit"`
	Require         Require     `yaml:"require"`
	Cookies         string      `yaml:"cookies" oneof:"pass jar drop"`
	MethodOverride  bool        `yaml:"method_override"`
	WebSocket       bool        `yaml:"websocket"`
	Credentials     []string    `yaml:"credentials"`
	Proof           string      `yaml:"proof" oneof:"off sign report"`
	UnsignedUploads bool        `yaml:"unsigned_uploads"`
	Redirects       string      `yaml:"redirects" oneof:"rewrite pass"`
	CORS            CORS        `yaml:"cors"`
}

// Upstream is one server of a route, written as a URL or as a mapping.
type Upstream struct {
	URL        URL    `yaml:"url" required:"true" shorthand:"true"` // http, https or h2c; may have a base path
	Weight     int    `yaml:"weight" min:"1" max:"1000"`
	CAFile     Path   `yaml:"ca_file"`
	CertFile   Path   `yaml:"cert_file"`
	KeyFile    Path   `yaml:"key_file"`
	ServerName string `yaml:"server_name"`
}

// Health configures the active health checks of a route's upstreams.
type Health struct {
	Path      string   `yaml:"path"` // empty: no active check
	Interval  Duration `yaml:"interval" min:"10ms" max:"1h"`
	Timeout   Duration `yaml:"timeout" min:"1ms" max:"1m"`
	Healthy   int      `yaml:"healthy" min:"1" max:"100"`
	Unhealthy int      `yaml:"unhealthy" min:"1" max:"100"`
}

// Eject configures the passive health checks of a route's upstreams.
type Eject struct {
	Failures int      `yaml:"failures" min:"0" max:"1000"` // 0: never
	For      Duration `yaml:"for" min:"1ms" max:"1h"`
}

// HeaderRules change the headers of a request or response. The values are
// secrets: one may be a backend's password.
type HeaderRules struct {
	Set    map[string]secret.Text `yaml:"set"`
	Remove []string               `yaml:"remove"`
}

// Require is what a user must have to use a route; others get a 403.
type Require struct {
	Roles []string `yaml:"roles"`
	Phone bool     `yaml:"phone"`
}

// CORS lists origins such as https://shop.example.com, or * alone.
type CORS struct {
	Origins []string `yaml:"origins"`
}
