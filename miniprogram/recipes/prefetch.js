const { createGateway } = require('./wxgate-miniprogram/index.js')

const gateway = createGateway({ baseURL: 'https://api.example.com' })
let used = ''

function usePrefetched({ fetchedData, timeStamp }) {
  // Older data was fetched for an earlier start.
  if (!fetchedData || fetchedData === used || Date.now() - timeStamp > 60000) return
  used = fetchedData
  const prefetched = JSON.parse(fetchedData)
  if (prefetched.token) gateway.login({ prefetched })
}

App({
  gateway,
  onLaunch() {
    wx.getBackgroundFetchData({ fetchType: 'pre', success: usePrefetched })
    wx.onBackgroundFetchData(data => data.fetchType === 'pre' && usePrefetched(data))
  },
})
