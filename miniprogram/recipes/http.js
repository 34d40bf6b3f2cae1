const { gateway } = getApp()

async function http(method, url, data, options = {}) {
  const header = { 'X-Client-Version': '1.4.0', ...options.header }
  const result = await gateway.request({ timeout: 10000, ...options, method, url, data, header })
  if (result.statusCode >= 200 && result.statusCode < 300) return result.data
  const { error, message } = result.data || {}
  if (result.statusCode === 403 && error === 'phone_required') wx.navigateTo({ url: '/pages/phone/phone' })
  throw Object.assign(new Error(message || `HTTP ${result.statusCode}`), { code: error, statusCode: result.statusCode })
}

module.exports = {
  get: (url, options) => http('GET', url, undefined, options),
  post: (url, data, options) => http('POST', url, data, options),
  put: (url, data, options) => http('PUT', url, data, options),
  patch: (url, data, options) => http('PATCH', url, data, options),
  del: (url, options) => http('DELETE', url, undefined, options),
}
