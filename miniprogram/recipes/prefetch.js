const { createGateway } = require('./wxgate-miniprogram/index.js')

const gateway = createGateway({ baseURL: 'https://api.example.com' })
let taken = ''

function takeLogin({ fetchedData, timeStamp }) {
  // What is older was fetched for an earlier start.
  if (!fetchedData || fetchedData === taken || Date.now() - timeStamp > 60000) return
  taken = fetchedData
  const prefetched = JSON.parse(fetchedData)
  if (prefetched.token) gateway.login({ prefetched })
}

App({
  gateway,
  onLaunch() {
    wx.getBackgroundFetchData({ fetchType: 'pre', success: takeLogin })
    wx.onBackgroundFetchData(data => data.fetchType === 'pre' && takeLogin(data))
  },
})
