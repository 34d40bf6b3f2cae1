const { openEvents } = require('./stream.js')
const { gateway } = getApp()

Page({
  async onAsk(e) {
    const options = { url: '/api/chat', method: 'POST', data: { text: e.detail.value } }
    this.call = openEvents(gateway, options, ({ data }) => this.setData({ answer: this.data.answer + data }))
    try {
      const { statusCode } = await this.call
      if (statusCode !== 200) wx.showToast({ title: `出错了：${statusCode}`, icon: 'none' })
    } catch ({ errMsg }) {
      if (!/abort/.test(errMsg)) wx.showToast({ title: '网络不可用', icon: 'none' })
    }
  },

  onUnload() {
    if (this.call) this.call.abort()
  },
})
