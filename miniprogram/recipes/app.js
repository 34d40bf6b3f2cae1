const { createGateway } = require('./wxgate-miniprogram/index.js')

App({
  gateway: createGateway({ baseURL: 'https://api.example.com' }),
})
