// <button open-type="getPhoneNumber" bindgetphonenumber="onLogin">
const { gateway } = getApp()

Page({
  async onLogin(e) {
    if (!e.detail.code) return
    const { is_new_user, phone } = await gateway.login({ phoneCode: e.detail.code })
    this.setData({ phone: phone.phone_number })
    if (is_new_user) wx.navigateTo({ url: '/pages/welcome/welcome' })
  },
})
