// The globals wx and uni, set before the clients are loaded, some of which keep wx.request. What is behind them can change.
let current = {}

export function usePlatform(platform) {
  current = platform
}

const calls = ['request', 'uploadFile', 'downloadFile', 'connectSocket', 'getStorageSync', 'setStorageSync', 'removeStorageSync']
globalThis.wx = Object.fromEntries(calls.map(name => [name, (...args) => current[name](...args)]))
globalThis.uni = globalThis.wx
