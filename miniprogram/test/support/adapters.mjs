// What uni-app and Taro make of the calls of wx.

/** Taro: every call is a promise too, which fails beside the callback; connectSocket promises its task. */
export function asTaro(wx) {
  const promised = api => options => {
    let task
    const promise = new Promise((resolve, reject) => {
      task = wx[api]({
        ...options,
        success: result => (options.success?.(result), resolve(result)),
        fail: error => (options.fail?.(error), reject(error)),
      })
    })
    return Object.assign(promise, task)
  }
  const connectSocket = async options => wx.connectSocket(options)
  const [request, uploadFile, downloadFile, login] = ['request', 'uploadFile', 'downloadFile', 'login'].map(promised)
  return { ...wx, request, uploadFile, downloadFile, login, connectSocket }
}

/** uni-app: a call without any callback gives a promise instead of its task. */
export function asUni(wx) {
  const called = api => options => {
    if (options.success || options.fail || options.complete) return wx[api](options)
    return new Promise((success, fail) => wx[api]({ ...options, success, fail }))
  }
  const apis = ['request', 'uploadFile', 'downloadFile', 'connectSocket', 'login']
  return { ...wx, ...Object.fromEntries(apis.map(api => [api, called(api)])) }
}
