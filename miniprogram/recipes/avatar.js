// <button open-type="chooseAvatar" bindchooseavatar="onChooseAvatar">
// <form bindsubmit="onSubmit"><input type="nickname" name="nickname" /><button form-type="submit" /></form>
const { gateway } = getApp()

Page({
  async onChooseAvatar(e) {
    const { statusCode, data } = await gateway.uploadFile({ url: '/api/avatar', filePath: e.detail.avatarUrl, name: 'file' })
    if (statusCode !== 200) return wx.showToast({ title: '上传失败', icon: 'none' })
    const { avatar_url } = await gateway.setProfile({ avatarUrl: JSON.parse(data).url })
    this.setData({ avatarUrl: avatar_url })
  },

  async onSubmit(e) {
    const { nickname } = await gateway.setProfile({ nickname: e.detail.value.nickname })
    this.setData({ nickname })
  },
})
