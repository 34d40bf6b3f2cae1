// mqtt.js's build for browsers and mini programs reads navigator.userAgent when it is loaded.
globalThis.navigator ??= { userAgent: '' }
