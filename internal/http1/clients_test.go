package http1_test

import (
	"strings"
	"testing"
)

// realRequests are what clients send, as they send it.
var realRequests = map[string]string{
	"curl": "GET /api/me?x=1 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
	"curl upload": "POST /upload HTTP/1.1\r\nHost: api.example.com:8443\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nContent-Length: 5\r\n" +
		"Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\nhello",
	"curl -T -": "PUT /f HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n" +
		"5\r\nhello\r\n0\r\n\r\n",
	"curl proxy": "GET http://api.example.com/a HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nProxy-Connection: Keep-Alive\r\n\r\n",
	"wx.request on Android": "POST /auth/login HTTP/1.1\r\ncharset: utf-8\r\ncontent-type: application/json\r\nReferer: https://servicewechat.com/wx1234567890abcdef/12/page-frame.html\r\n" +
		"User-Agent: Mozilla/5.0 (Linux; Android 14; V2309A Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20231202 MicroMessenger/8.0.47.2560(0x28002F30) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64 MiniProgramEnv/android\r\n" +
		"Accept-Encoding: gzip,compress,br,deflate\r\nContent-Length: 43\r\nHost: api.example.com\r\nConnection: Keep-Alive\r\n\r\n{\"code\":\"0a3Xyz000wxYzA1b2c3d4e5f6g7h8i9j\"}",
	"wx.request on iOS": "GET /api/orders?page=1&q=%E4%BD%A0%E5%A5%BD HTTP/1.1\r\nHost: api.example.com\r\nAccept: */*\r\nContent-Type: application/json\r\nConnection: keep-alive\r\nCookie: \r\n" +
		"User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.48(0x18003030) NetType/4G Language/zh_CN\r\n" +
		"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x\r\nReferer: https://servicewechat.com/wx1234567890abcdef/0/page-frame.html\r\nAccept-Language: zh-CN,zh-Hans;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n",
	"wx.uploadFile": "POST /upload HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: multipart/form-data; boundary=----WebKitFormBoundaryA\r\nContent-Length: 121\r\nUser-Agent: MicroMessenger Client\r\n\r\n" +
		"------WebKitFormBoundaryA\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n" + "x\r\n------WebKitFormBoundaryA--",
	"Chrome": "GET /h5/ HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\nsec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n" +
		"Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: zh-CN,zh;q=0.9\r\nCookie: a=1; b=\"2\"; c=%7B%7D\r\n\r\n",
	"Firefox preflight": "OPTIONS /api/x HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0\r\nAccept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n" +
		"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\nReferer: https://h5.example.com/\r\nOrigin: https://h5.example.com\r\nConnection: keep-alive\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-site\r\n\r\n",
	"Safari WebSocket": "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nHost: api.example.com\r\nOrigin: https://h5.example.com\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate\r\nUser-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15\r\n\r\n",
	"gRPC-web":               "POST /pkg.Service/Method HTTP/1.1\r\nHost: api.example.com\r\nContent-Type: application/grpc-web+proto\r\nX-Grpc-Web: 1\r\nX-User-Agent: grpc-web-javascript/0.1\r\nContent-Length: 5\r\nTE: trailers\r\n\r\n\x00\x00\x00\x00\x00",
	"Java HttpURLConnection": "GET /api HTTP/1.1\r\nUser-Agent: Java/17.0.10\r\nHost: api.example.com\r\nAccept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\nConnection: keep-alive\r\n\r\n",
	"Java streaming": "POST /api HTTP/1.1\r\nUser-Agent: Java/17.0.10\r\nHost: api.example.com\r\nAccept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\nConnection: keep-alive\r\nContent-type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"5\r\nhello\r\n0\r\n\r\n",
	"Java HttpClient":       "GET /api HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: api.example.com\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\nUser-Agent: Java-http-client/17.0.10\r\n\r\n",
	"OkHttp":                "POST /api HTTP/1.1\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\nHost: api.example.com\r\nConnection: Keep-Alive\r\nAccept-Encoding: gzip\r\nUser-Agent: okhttp/4.12.0\r\n\r\n{}",
	"Node http":             "POST /api HTTP/1.1\r\nHost: api.example.com\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"Node fetch":            "GET /api HTTP/1.1\r\nhost: api.example.com\r\nconnection: keep-alive\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\n\r\n",
	"axios":                 "DELETE /api/1 HTTP/1.1\r\nAccept: application/json, text/plain, */*\r\nUser-Agent: axios/1.6.8\r\nAccept-Encoding: gzip, compress, deflate, br\r\nHost: api.example.com\r\nConnection: close\r\n\r\n",
	"PHP stream":            "GET /api HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n",
	"PHP stream, 1.0":       "GET /api HTTP/1.0\r\nHost: api.example.com\r\nConnection: close\r\n\r\n",
	"Guzzle":                "POST /api HTTP/1.1\r\nContent-Length: 2\r\nUser-Agent: GuzzleHttp/7\r\nContent-Type: application/json\r\nHost: api.example.com\r\n\r\n{}",
	"Python urllib":         "GET /api HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: api.example.com\r\nUser-Agent: Python-urllib/3.11\r\nConnection: close\r\n\r\n",
	"Python requests":       "POST /api HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}",
	"Go":                    "GET /api HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n",
	"Go trailers":           "POST /api HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Go-http-client/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n",
	"nginx, to an upstream": "GET /api HTTP/1.0\r\nHost: backend\r\nX-Real-IP: 203.0.113.9\r\nConnection: close\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
	"HAProxy check":         "OPTIONS / HTTP/1.0\r\n\r\n",
	"HAProxy":               "GET /api HTTP/1.1\r\nhost: api.example.com\r\nuser-agent: curl/7.88.1\r\naccept: */*\r\nx-forwarded-for: 203.0.113.9\r\n\r\n",
	"ab":                    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nHost: localhost:8080\r\nUser-Agent: ApacheBench/2.3\r\nAccept: */*\r\n\r\n",
	"wrk":                   "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
	"kube-probe":            "GET /healthz HTTP/1.1\r\nHost: 10.0.0.5:8080\r\nUser-Agent: kube-probe/1.29\r\nAccept: */*\r\nConnection: close\r\n\r\n",
	"Alibaba SLB":           "HEAD / HTTP/1.0\r\nHost: 10.0.0.5\r\n\r\n",
	"WeChat push":           "POST /auth/push/wx1234567890abcdef?signature=899cf89e464efb63f54ddac96b0a0a235f53aa78&timestamp=1714037059&nonce=486452656 HTTP/1.1\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\nHost: api.example.com\r\nPragma: no-cache\r\nContent-Length: 2\r\nContent-Type: text/xml\r\n\r\nxx",
	"IPv6 literal":          "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\nAccept: */*\r\n\r\n",
	"path of a form":        "GET /a/b(c)/d!e/f'g*h;i=j:k@l$m&n+o,p~q?x=[1]&y={2}|3^4`5\"6<7>\\8 HTTP/1.1\r\nHost: a.test\r\n\r\n",
}

func TestBothServersReadRequestsOfRealClients(t *testing.T) {
	t.Parallel()
	for name, raw := range realRequests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours := serveOurs(raw)
			if len(ours) != 1 || ours[0].Err {
				t.Fatalf("%d requests were read: %+v", len(ours), ours)
			}
			theirs := serveNetHTTP(raw, 1)
			if len(theirs) != 1 {
				t.Fatal("net/http refuses it")
			}
			if a, b := normal(ours[0], false), normal(theirs[0], false); a != b {
				t.Errorf("read as\n%s\nby net/http as\n%s", a, b)
			}
			if strings.Contains(raw, "chunked") == (ours[0].Length >= 0) {
				t.Errorf("length %d", ours[0].Length)
			}
		})
	}
}
