const { createGateway } = require('./wxgate-miniprogram/index.js')

const app = getApp({ allowDefault: true })
const gateway = app.gateway || createGateway({ baseURL: 'https://api.example.com' })

module.exports = { gateway }
