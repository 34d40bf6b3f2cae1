# make test runs every check that CI runs.

SHELL       := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0
NPM_TEST    := npm ci --no-audit --no-fund && npm test

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT    ?= $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
FUZZTIME  ?= 10s
BENCHTIME ?= 2s
SESSIONS  ?= 1000000
TOOLS     := $(CURDIR)/.cache/bin

# The build target stamps the version itself. Go's own stamping runs git, which fails in a
# checkout that belongs to another user.
export GOFLAGS += -buildvcs=false

.PHONY: help
help: ## the targets of this Makefile
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/wxgate, a static binary
	CGO_ENABLED=0 go build -trimpath \
		-ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)' -o bin/wxgate ./cmd/wxgate

.PHONY: test
test: tools fmt vet lint tidy race sdk browser vuln ## everything that must pass, the same as CI
	@echo "all passed"

.PHONY: tools
tools: ## install the system packages that the tests need
	@scripts/need redis-server=redis-server cc='gcc libc6-dev' node=nodejs npm=npm chromium=chromium \
		php=php-cli javac=default-jdk-headless python3:jwt=python3-jwt python3:cryptography=python3-cryptography

.PHONY: fmt
fmt: ## check that gofmt changes nothing
	@files=$$(find . -name '*.go' -not -path '*/node_modules/*' | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "run gofmt -w on" $$files; exit 1; fi

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: lint
lint: ## staticcheck
	go run $(STATICCHECK) ./...

.PHONY: tidy
tidy: ## check that go.mod has exactly what the code imports
	go mod tidy -diff

.PHONY: unit
unit: tools ## the Go tests without the race detector
	go test -timeout 10m ./...

.PHONY: race
race: tools ## the Go tests under the race detector
	go test -race -timeout 15m ./...

.PHONY: sdk
sdk: tools ## the tests of the mini program SDK
	cd miniprogram && $(NPM_TEST)

.PHONY: browser
browser: tools ## the page of wxgate dev, and the console, in the system's chromium
	cd cmd/wxgate/playground/browsertest && $(NPM_TEST)

.PHONY: vuln
vuln: ## known vulnerabilities in functions that the code calls
	@GOBIN=$(TOOLS) go install $(GOVULNCHECK)
	@scripts/vuln $(TOOLS)/govulncheck

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (10s)
	scripts/fuzz $(FUZZTIME)

.PHONY: bench
bench: ## the cost of authentication, as a ratio to a reverse proxy without it
	@go test -run '^$$' -bench Forward -benchtime $(BENCHTIME) -count 6 ./proxy/ | awk -f scripts/ratio.awk

.PHONY: redis-bytes
redis-bytes: tools ## memory of Redis per session, with SESSIONS (1000000) sessions
	SESSIONS=$(SESSIONS) go test -run '^$$' -bench '^BenchmarkRedisBytesPerSession$$' -benchtime 1x -timeout 30m ./session/

.PHONY: login-cost
login-cost: tools ## processor time of a login in Redis and in the gateway, and its ratio to one script a step
	@go test -run '^$$' -bench '^BenchmarkLogin$$' -benchtime 10000x ./session/

.PHONY: scale
scale: ## a six-node Redis cluster with SESSIONS sessions, and requests while a master is killed
	@scripts/need redis-server=redis-server redis-cli=redis-tools
	@go run ./interop/scale -sessions $(SESSIONS)

.PHONY: h2spec
h2spec: ## HTTP/2 conformance of the TLS listener
	@go run ./interop/h2spec

.PHONY: http11
http11: ## Http11Probe's cases against the gateway, net/http, HAProxy and nginx
	@scripts/need nginx=nginx-light haproxy=haproxy
	@go run ./interop/http11

.PHONY: grpc-interop
grpc-interop: ## grpc-go's interop client and server through the gateway
	@go run ./interop/grpc

.PHONY: real-backends
real-backends: ## attacks on php-fpm, gunicorn, tomcat and nginx behind the gateway
	@scripts/need nginx=nginx-light '/usr/sbin/php-fpm*=php-fpm' gunicorn=gunicorn \
		/usr/share/tomcat10/bin/catalina.sh=tomcat10-common javac=default-jdk-headless
	@go run ./interop/backends

.PHONY: websockets
websockets: ## memory of the gateway with 10,000 idle WebSockets
	@go run ./interop/sockets

.PHONY: clients
clients: ## public HTTP, WebSocket and stream clients through the gateway, and how they react to a logout
	@scripts/need node=nodejs npm=npm
	@cd miniprogram && npm ci --no-audit --no-fund --silent
	@cd interop/clients && npm ci --no-audit --no-fund --silent && node run.mjs

.PHONY: sdks
sdks: ## WeChat server SDKs at the relay, at the simulator, and behind the message push
	@scripts/need node=nodejs npm=npm redis-server=redis-server
	@cd interop/sdks/npm && npm ci --no-audit --no-fund --silent
	@go run ./interop/sdks

.PHONY: webkit
webkit: ## web sessions in WebKitGTK's MiniBrowser
	@scripts/need WebKitWebDriver=webkit2gtk-driver Xvfb=xvfb node=nodejs
	@node interop/webkit/run.mjs

.PHONY: streams
streams: ## memory of the gateway during uploads and downloads of 1 GiB
	@go run ./interop/streams

.PHONY: versus
versus: ## processor time a request, beside HAProxy, nginx, Caddy and others
	@scripts/need nginx=nginx-light wrk=wrk haproxy=haproxy redis-server=redis-server \
		/usr/lib/nginx/modules/ngx_http_lua_module.so=libnginx-mod-http-lua /usr/share/lua/5.1/nginx/redis.lua=lua-nginx-redis
	@go run ./interop/versus

.PHONY: deploy
deploy: ## the manifests, alerts and units of deploy/, checked with the programs and types that read them
	cd deploy/check && go test ./...
	cd deploy/prometheus && ../../scripts/promtool check config prometheus.yaml
	cd deploy/prometheus && ../../scripts/promtool test rules alerts_test.yaml
	scripts/systemd

.PHONY: collector
collector: ## spans in a real OpenTelemetry Collector: names, number, no secrets
	@scripts/need redis-server=redis-server
	@go run ./interop/collector

.PHONY: examples
examples: ## each backend of examples/ behind the gateway: login, login hook, assertion
	@scripts/need javac=default-jdk-headless node=nodejs php=php-cli python3:jwt=python3-jwt python3:cryptography=python3-cryptography
	@go run ./interop/examples

.PHONY: miniprograms
miniprograms: ## the mini programs of examples/, built with their public tools and run
	@scripts/need node=nodejs npm=npm
	@cd miniprogram && npm ci --no-audit --no-fund --silent
	@cd interop/miniprograms && npm install --no-audit --no-fund --silent && node run.mjs

.PHONY: restarts
restarts: tools ## a gateway restarted thirty times under load, by SIGUSR2 and by socket activation
	@go run ./interop/restarts

.PHONY: rolling-restarts
rolling-restarts: ## two gateways restarted alternately behind nginx and HAProxy, under load
	@scripts/need nginx=nginx-light haproxy=haproxy redis-server=redis-server
	@go run ./interop/rolling

.PHONY: failures
failures: ## failing backends, ended sessions, a short shutdown: no POST may run twice
	@scripts/need haproxy=haproxy redis-server=redis-server
	@go run ./interop/failures

.PHONY: gateways
gateways: ## wxgate behind and in front of nginx, HAProxy, Caddy and Traefik
	@scripts/need nginx=nginx-light haproxy=haproxy redis-server=redis-server
	@go run ./interop/gateways

.PHONY: stores
stores: ## the session tests on Redis and on STORES="valkey=/PATH/valkey-server predixy=/PATH/predixy …"
	@scripts/need redis-server=redis-server
	@go run ./interop/stores $(STORES)

.PHONY: image
image: build ## the release image from bin/wxgate, built and run by buildah
	@scripts/need buildah=buildah
	@go run ./interop/image

.PHONY: release
release: ## dist/: archives for linux and darwin, checksums, SBOMs; built twice and compared
	@scripts/release

.PHONY: docker
docker: ## the image wxgate:VERSION
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) -t wxgate:$(VERSION) .
