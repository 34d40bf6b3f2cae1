const { gateway } = getApp()

Page({
  data: { output: '', ready: false, open: false },

  onShow() {
    return this.showResult(async () => {
      const { user } = await gateway.ensureSession()
      this.setData({ ready: true })
      return user
    })
  },

  onWho() {
    return this.showResult(async () => (await gateway.request('/api/me')).data)
  },

  onChooseAvatar(e) {
    return this.showResult(async () => (await gateway.uploadFile({ url: '/api/avatar', filePath: e.detail.avatarUrl, name: 'file' })).data)
  },

  onPhone(e) {
    return this.showResult(() => gateway.bindPhone(e.detail))
  },

  onLogout() {
    return this.showResult(() => gateway.logout().then(() => 'logged out'))
  },

  onToggleSocket() {
    if (this.socket) return this.socket.close({})
    this.socket = gateway.connectSocket({ url: '/api/ws' })
    this.setData({ open: true })
    this.socket.onOpen(() => this.socket.send({ data: 'hello' }))
    this.socket.onMessage(({ data }) => this.show(data))
    this.socket.onClose(({ code }) => {
      this.socket = undefined
      this.setData({ open: false })
      this.show(`closed: ${code}`)
    })
  },

  onUnload() {
    if (this.socket) this.socket.close({})
  },

  async showResult(action) {
    try {
      this.show(await action())
    } catch (error) {
      this.show(error.errMsg || String(error))
    }
  },

  show(result) {
    this.setData({ output: typeof result === 'string' ? result : JSON.stringify(result, null, 2) })
  },
})
