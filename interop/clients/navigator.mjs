// What mqtt.js's build for browsers and mini programs looks at when it is loaded.
globalThis.navigator ??= { userAgent: '' }
