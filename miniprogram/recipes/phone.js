// <button wx:if="{{ready}}" open-type="getPhoneNumber" bindgetphonenumber="onPhone">
// <button wx:if="{{ready}}" open-type="getRealtimePhoneNumber" bindgetrealtimephonenumber="onPhone">
const { gateway } = getApp()

Page({
  async onShow() {
    await gateway.ensureSession()
    this.setData({ ready: true })
  },

  async onPhone(e) {
    try {
      const { phone_number } = await gateway.bindPhone(e.detail)
      this.setData({ phone: phone_number })
    } catch (error) {
      if (/user deny|user cancel/.test(error.errMsg)) return
      wx.showToast({ title: error.code === 'session_key_stale' ? '请再点一次' : '获取手机号失败', icon: 'none' })
    }
  },
})
