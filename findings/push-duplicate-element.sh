#!/usr/bin/env bash
# Guess:   all SDKs that receive WeChat's messages take the first FromUserName of a message with two, or
#          all take the last.
# Reality: silenceper/wechat takes the last. node-easywechat and wechat return a list, co-wechat a list
#          of two empty objects; wechat replies to a user "alice,bob" and co-wechat to
#          "[object Object],[object Object]".
# Needs:   go, node, npm.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module github.com/silenceper/wechat/v2@v2.1.10
cat >main.go <<'EOF'
package main

import (
	"encoding/xml"
	"fmt"
	"os"

	"github.com/silenceper/wechat/v2/officialaccount/message"
)

func main() {
	var m message.MixMessage
	if err := xml.Unmarshal([]byte(os.Args[1]), &m); err != nil {
		panic(err)
	}
	fmt.Printf("silenceper/wechat: %q\n", m.FromUserName)
}
EOF
npm_install node-easywechat@3.6.2 node-socialite@1.4.1 co-wechat@2.4.0 wechat@2.1.0
cat >main.mjs <<'EOF'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import coWechat from 'co-wechat'
import Message from 'node-easywechat/dist/OfficialAccount/Message.js'
import { ServerRequest } from 'node-easywechat'
import wechat from 'wechat'

const body = process.argv[2]
const signature = createHash('sha1').update(['token', '1', 'nonce'].sort().join('')).digest('hex')
const query = { signature, timestamp: '1', nonce: 'nonce' }


const message = await Message.createFromRequest(new ServerRequest('POST', '/', {}, body))
console.log('node-easywechat:', JSON.stringify(message.FromUserName))

const ctx = { query, method: 'POST', request: { body } }
await coWechat({ token: 'token' }).middleware(async message => {
  console.log('co-wechat:', JSON.stringify(message.FromUserName))
  return 'pong'
})(ctx)
console.log('co-wechat replies to', ctx.body.split('CDATA[')[1].split(']]>')[0])

const request = Object.assign(Readable.from([Buffer.from(body)]), { query, method: 'POST' })
await new Promise(resolve => {
  const response = { writeHead() {}, end: reply => (console.log('wechat replies to', reply.split('CDATA[')[1].split(']]>')[0]), resolve()) }
  wechat({ token: 'token' }, (request, response) => {
    console.log('wechat:', JSON.stringify(request.weixin.FromUserName))
    response.reply('pong')
  })(request, response, resolve)
})
EOF

xml='<xml><ToUserName>gh_1</ToUserName><FromUserName>alice</FromUserName><FromUserName>bob</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>ping</Content><MsgId>1</MsgId></xml>'
{
    run_go "$xml"
    node main.mjs "$xml" 2>/dev/null
} | tee seen

diff -u - seen <<'EOF'
silenceper/wechat: "bob"
node-easywechat: ["alice","bob"]
co-wechat: [{},{}]
co-wechat replies to [object Object],[object Object]
wechat: ["alice","bob"]
wechat replies to alice,bob
EOF
echo "as seen on 2026-11-27 with silenceper/wechat 2.1.10, node-easywechat 3.6.2, co-wechat 2.4.0, wechat 2.1.0"
