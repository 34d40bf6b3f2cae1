// The globals wx and uni. They are set before the clients are loaded, because some clients keep a reference to wx.request.
// usePlatform replaces the functions behind them.
let current = {}

export function usePlatform(platform) {
  current = platform
}

const calls = ['request', 'uploadFile', 'downloadFile', 'connectSocket', 'getStorageSync', 'setStorageSync', 'removeStorageSync']
globalThis.wx = Object.fromEntries(calls.map(name => [name, (...args) => current[name](...args)]))
globalThis.uni = globalThis.wx
