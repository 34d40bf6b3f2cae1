// The calls of wx as uni-app and Taro change them.

/** Taro: every call also returns a promise, which rejects in addition to the callback; connectSocket returns a promise of its task. */
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

/** uni-app: a call without callbacks returns a promise instead of its task. */
export function asUni(wx) {
  const called = api => options => {
    if (options.success || options.fail || options.complete) return wx[api](options)
    return new Promise((success, fail) => wx[api]({ ...options, success, fail }))
  }
  const apis = ['request', 'uploadFile', 'downloadFile', 'connectSocket', 'login']
  return { ...wx, ...Object.fromEntries(apis.map(api => [api, called(api)])) }
}
