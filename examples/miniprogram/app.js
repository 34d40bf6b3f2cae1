const { createGateway } = require('wxgate-miniprogram')

App({
  // `wxgate dev` on this machine; on a phone, the address of this machine in the network. In production: https.
  gateway: createGateway({ baseURL: 'http://127.0.0.1:8080' }),
})
