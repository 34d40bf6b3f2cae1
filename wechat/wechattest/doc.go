// Package wechattest simulates WeChat for tests: an http.Handler that responds as
// api.weixin.qq.com does, with its rules and errcodes, even those that are
// inconsistent. It simulates the phone too: it issues the codes of wx.login and of the
// phone button, and encrypts and signs what wx does.
//
// It is as strict as WeChat: codes work once and for five minutes, the session key
// changes with every wx.login, tokens expire, a phone code is valid for one user. If
// WeChat's behaviour is not documented, a comment says what is assumed.
//
// A [Server] handles these calls; all others get 40066, as with WeChat:
//
//	GET  /sns/jscode2session
//	GET  /cgi-bin/token
//	POST /cgi-bin/stable_token
//	GET  /wxa/checksession
//	GET  /wxa/resetusersessionkey
//	GET  /wxa/business/getuserencryptkey
//	POST /wxa/business/getuserphonenumber
//	POST /wxa/business/checkencryptedmsg
//	GET  /wxa/getpaidunionid
//	POST /wxa/getuserriskrank
//	POST /wxa/getwxacode
//	POST /wxa/getwxacodeunlimit
//	POST /cgi-bin/wxaapp/createwxaqrcode
//	POST /wxa/generatescheme
//	POST /wxa/generate_urllink
//	POST /wxa/msg_sec_check
//	POST /wxa/media_check_async
//	POST /wxa/img_sec_check
//	POST /cgi-bin/media/upload
//	POST /cgi-bin/message/subscribe/send
//	POST /cgi-bin/message/custom/send
//	POST /cgi-bin/message/custom/typing
//	POST /wxaapi/newtmpl/addtemplate
//	POST /wxaapi/newtmpl/deltemplate
//	GET  /wxaapi/newtmpl/gettemplate
//	GET  /wxaapi/newtmpl/getcategory
//	GET  /wxaapi/newtmpl/getpubtemplatetitles
//	GET  /wxaapi/newtmpl/getpubtemplatekeywords
//
// With Options.Control it also handles the calls below, with which a script simulates
// phones and injects faults. Requests and responses are JSON. "user" is any name, and the
// user is created on first use; "appid" defaults to the first app. An invalid request
// gets 400 and {"error"}.
//
//	POST   /sim/code        {"user", "appid"?}                → {"code", "appid", "openid", "unionid"}: wx.login
//	POST   /sim/phone-code  {"user", "appid"?}                → {"code", "appid", "phone"}: the phone button
//	POST   /sim/encrypt     {"user", "appid"?, "kind", "data"?, "age"?}
//	                        → {"encrypted_data", "iv"}; kind is phone, profile or data; with an age such as "10m" it was encrypted that long ago
//	POST   /sim/sign        {"user", "appid"?, "raw_data"?}   → {"raw_data", "signature"}
//	POST   /sim/user-key    {"user", "appid"?, "rotate"?}     → {"encrypt_key", "iv", "version", "expire_time"}: getLatestUserKey of wx
//	POST   /sim/rotate      {"user", "appid"?}                → {}: the session key changes
//	POST   /sim/block       {"user", "appid"?, "blocked"}     → {}: logins get 40226, or no longer
//	POST   /sim/push        {"user", "appid"?, "message"?, "url"?, "token"?, "aes_key"?, "format"?, "age"?, "interval"?}
//	                        → {"attempts": [{"status", "body", "error"?}], "accepted", "reply"?}: see User.Push; format is json or xml;
//	                        the defaults are App.Push. It responds when the message was accepted, or was sent for the last time
//	POST   /sim/push-url    {"appid"?, "url"?, "token"?}      → {"status", "body", "error"?, "ok"}: the check of the URL in WeChat's console
//	POST   /sim/prefetch    {"user", "appid"?, "url", "path"?, "query"?, "scene"?, "code"?, "token"?}
//	                        → {"code", "status", "data", "error"?}: WeChat's pre-fetch, see User.Prefetch
//	POST   /sim/api-security {"appid"?, "algorithms", "paths"} → the api_security of the gateway's configuration: see Server.SecureAPI
//	POST   /sim/kill-token  {"appid"?, "silent"?}             → {}: see Server.InvalidateToken
//	POST   /sim/fault       {"api"?, "times"?, "errcode"?, "delay"?, "drop"?, "status"?, "body"?} → {}: see Fault
//	DELETE /sim/fault                                         → {}: removes all faults
//	GET    /sim/users                                         → [{"appid", "user", "openid", "unionid", "phone", "session_key", "blocked"}]
//	GET    /sim/calls                                         → the last calls, each a Call
package wechattest
