// <web-view wx:if="{{src}}" src="{{src}}" />
const { gateway } = getApp()

Page({
  async onLoad({ page = '/h5/orders' }) {
    this.setData({ src: await gateway.webviewURL(page) })
  },
})
