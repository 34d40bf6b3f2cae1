package config

import (
	"wxgate/secret"
)

// Config is the config file, every value in place and checked. See the shipped
// config.yaml for what each key means; Default has their defaults.
//
// Tags: yaml names the key; required:"true" makes it required; oneof lists the values
// of a word; min and max bound numbers, durations and sizes; shorthand:"true" marks
// the field that a bare scalar in place of the mapping sets; restart marks what a
// reload leaves as it was at the start, where it has changed or is larger than then.
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

	// Files are all files that the configuration was read from, the config file
	// first, then those of ${file:…}.
	Files []string `yaml:"-"`
	// Warnings are what is allowed but likely not meant.
	Warnings []Problem `yaml:"-"`
}

// ServerTLS is a listener's certificate; both files or neither.
type ServerTLS struct {
	CertFile Path `yaml:"cert_file"`
	KeyFile  Path `yaml:"key_file"`
}

// Path is a file's path; a relative one is relative to the config file's folder,
// and has been joined with it.
type Path string

type App struct {
	AppID  string      `yaml:"appid" required:"true"`
	Secret secret.Text `yaml:"secret" required:"true"`
	Relay  []string    `yaml:"relay"` // with a leading slash; a trailing /* takes everything below

	Push        Push        `yaml:"push"`
	Prefetch    Prefetch    `yaml:"prefetch"`
	APISecurity APISecurity `yaml:"api_security"`
}

// Prefetch is WeChat's pre-fetch (数据预拉取): a login that WeChat's own server makes
// before the mini program starts.
type Prefetch struct {
	Key secret.Text `yaml:"key"` // the last part of the address entered in WeChat's console; none: off
}

// Push is WeChat's message push: what the operator enters in WeChat's console
// as token and EncodingAESKey, and the backend that the messages go to.
type Push struct {
	Token    secret.Text `yaml:"token"`
	AESKey   secret.Text `yaml:"aes_key"` // 43 characters; mode aes
	Mode     string      `yaml:"mode" oneof:"aes plain"`
	Upstream MaskedURL   `yaml:"upstream"` // none: no push
	Timeout  Duration    `yaml:"timeout" min:"1ms" max:"5s"`
}

// APISecurity is WeChat's signed and encrypted server API.
type APISecurity struct {
	Paths         []string       `yaml:"paths"` // with a leading slash; a trailing /* takes everything below; none: off
	Algorithms    string         `yaml:"algorithms" oneof:"aes256_gcm+rsa sm4_gcm+sm2"`
	KeySN         string         `yaml:"key_sn"`
	Key           secret.Text    `yaml:"key"` // base64
	CertSN        string         `yaml:"cert_sn"`
	PrivateKey    secret.Text    `yaml:"private_key"` // PEM
	PlatformCerts []PlatformCert `yaml:"platform_certs"`
}

// PlatformCert is a certificate of WeChat's, which verifies its answers.
type PlatformCert struct {
	SN   string `yaml:"sn" required:"true"`
	Cert string `yaml:"cert" required:"true"` // PEM
}

type WeChat struct {
	APIBase URL      `yaml:"api_base"` // http or https, no trailing slash
	Timeout Duration `yaml:"timeout" min:"1ms" max:"1m"`
}

type Redis struct {
	Addrs            []RedisAddr `yaml:"addrs"`
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

type Session struct {
	IdleTimeout  Duration `yaml:"idle_timeout" min:"1s" max:"87600h"`
	MaxLifetime  Duration `yaml:"max_lifetime" min:"1s" max:"87600h"`
	MaxPerUser   int      `yaml:"max_per_user" min:"0" max:"1000"`
	CacheSize    int      `yaml:"cache_size" min:"1" max:"100000000"`
	CacheTTL     Duration `yaml:"cache_ttl" max:"1h"`
	StaleIfError Duration `yaml:"stale_if_error" max:"720h"`
}

type Token struct {
	Format      string   `yaml:"format" oneof:"jwt opaque"`
	Issuer      string   `yaml:"issuer"`
	TTL         Duration `yaml:"ttl" min:"1s" max:"87600h"`
	RenewBefore Duration `yaml:"renew_before" max:"87600h"`
}

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

type Assertion struct {
	Header string   `yaml:"header"` // empty: none
	TTL    Duration `yaml:"ttl" min:"1s" max:"1h"`
}

// Web is what sessions of web pages are kept by.
type Web struct {
	Cookie  string   `yaml:"cookie"` // the cookie's name; empty: no such sessions
	MaxAge  Duration `yaml:"max_age" min:"1s" max:"87600h"`
	Origins []Origin `yaml:"origins"` // further origins whose pages may call with the cookie
}

// Tracing is where spans are sent.
type Tracing struct {
	Endpoint MaskedURL              `yaml:"endpoint"` // none: no tracing
	Protocol string                 `yaml:"protocol" oneof:"http/protobuf http/json"`
	Sample   Fraction               `yaml:"sample"`
	Headers  map[string]secret.Text `yaml:"headers"`
}

type Hooks struct {
	Login LoginHook `yaml:"login"`
}

type LoginHook struct {
	URL     MaskedURL `yaml:"url"` // none: no hook
	Timeout Duration  `yaml:"timeout" min:"1ms" max:"1m"`
	OnError string    `yaml:"on_error" oneof:"deny allow"`
}

type Limits struct {
	LoginPerIP        Rate     `yaml:"login_per_ip"`
	AuthPerUser       Rate     `yaml:"auth_per_user"`
	MaxConnections    int      `yaml:"max_connections" restart:"changed" min:"0" max:"10000000"` // 0: as many as descriptors allow
	MaxHeader         Size     `yaml:"max_header" restart:"larger" min:"1KiB" max:"16MiB"`
	MaxBody           Size     `yaml:"max_body"` // 0: no limit
	ReadHeaderTimeout Duration `yaml:"read_header_timeout" restart:"changed" min:"1ms" max:"5m"`
}

type Admin struct {
	Listen Address      `yaml:"listen" restart:"changed"`
	TLS    ServerTLS    `yaml:"tls" restart:"changed"`
	Tokens []AdminToken `yaml:"tokens"`
}

type AdminToken struct {
	Name   string      `yaml:"name" required:"true"`
	Token  secret.Text `yaml:"token" required:"true"`
	Scopes []Scope     `yaml:"scopes" required:"true"`
	Apps   []string    `yaml:"apps,omitempty"` // none: all
}

// Scope is what a token of the private listener may do.
type Scope string

const (
	scopeAdmin  Scope = "admin"
	scopeWeChat Scope = "wechat"
	scopeToken  Scope = "token" // the raw access token
)

func scopes() []string { return []string{string(scopeAdmin), string(scopeWeChat), string(scopeToken)} }

type Log struct {
	Level  string `yaml:"level" oneof:"debug info warn error"`
	Format string `yaml:"format" restart:"changed" oneof:"json console"`
	Access bool   `yaml:"access"`
}

// Route is one entry of routes.
type Route struct {
	Path            string      `yaml:"path" required:"true"` // as written; /api/ and /api are the same
	Name            string      `yaml:"name"`                 // never empty once loaded
	Host            string      `yaml:"host"`                 // lower case; *.example.com for all below
	Methods         []string    `yaml:"methods"`
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

// Upstream is one target of a route, written as a URL or as a mapping.
type Upstream struct {
	URL        URL    `yaml:"url" required:"true" shorthand:"true"` // http, https or h2c, perhaps with a base path
	Weight     int    `yaml:"weight" min:"1" max:"1000"`
	CAFile     Path   `yaml:"ca_file"`
	CertFile   Path   `yaml:"cert_file"`
	KeyFile    Path   `yaml:"key_file"`
	ServerName string `yaml:"server_name"`
}

// Health is the active check of a route's upstreams.
type Health struct {
	Path      string   `yaml:"path"` // empty: no active check
	Interval  Duration `yaml:"interval" min:"10ms" max:"1h"`
	Timeout   Duration `yaml:"timeout" min:"1ms" max:"1m"`
	Healthy   int      `yaml:"healthy" min:"1" max:"100"`
	Unhealthy int      `yaml:"unhealthy" min:"1" max:"100"`
}

// Eject is the passive check of a route's upstreams.
type Eject struct {
	Failures int      `yaml:"failures" min:"0" max:"1000"` // 0: never
	For      Duration `yaml:"for" min:"1ms" max:"1h"`
}

// HeaderRules change the headers of a request or response. The values are kept
// as secrets: a backend's password may be among them.
type HeaderRules struct {
	Set    map[string]secret.Text `yaml:"set"`
	Remove []string               `yaml:"remove"`
}

type Require struct {
	Roles []string `yaml:"roles"`
	Phone bool     `yaml:"phone"`
}

// CORS lists origins such as https://shop.example.com, or * alone.
type CORS struct {
	Origins []string `yaml:"origins"`
}
