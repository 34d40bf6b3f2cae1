import { headerOf, without } from './header'
import { assign, ignore, withCallbacks } from './platform'
import type { CloudRunOptions, Gateway } from './types'

/** Implements installCloudRun of index.ts. */
export function replaceContainer(wx: any, gateway: Gateway, { services = {} }: CloudRunOptions = {}): void {
  const callContainer = (param: any) => withCallbacks(forward(gateway, services, param), param)
  const cloud = wx.cloud || { init: ignore }
  if (cloud.Cloud) define(cloud, 'Cloud', withContainer(cloud.Cloud, callContainer))
  define(cloud, 'callContainer', callContainer)
  if (!wx.cloud) define(wx, 'cloud', cloud)
}

async function forward(gateway: Gateway, services: Record<string, string>, param: any): Promise<any> {
  const header = without(param.header, /^x-wx-/i)
  const service = param.service || headerOf(param, 'x-wx-service')
  const url = (services[service] || '') + '/' + (param.path || '').replace(/^\/+/, '')
  const own: any = { url, header, success: 0, fail: 0, complete: 0 }
  if (param.followRedirect === false) own.redirect = 'manual'
  try {
    const result = await gateway.request(assign({}, param, own))
    return assign({}, result, { callID: headerOf(result, 'x-request-id'), errMsg: 'cloud.callContainer:ok' })
  } catch (error) {
    const why = ((error as any).errMsg || '' + error).replace(/^\w+:fail /, '')
    throw assign({ errCode: -1 }, error, { errMsg: 'cloud.callContainer:fail ' + why })
  }
}

/** A replacement for the constructor wx.cloud.Cloud. The Cloud Run environment may no longer exist, so errors of init are ignored. */
function withContainer(Cloud: any, callContainer: unknown): unknown {
  return function (options: unknown) {
    const cloud = new Cloud(options)
    const init = cloud.init
    define(cloud, 'init', () => Promise.resolve(init.call(cloud)).catch(ignore))
    define(cloud, 'callContainer', callContainer)
    return cloud
  }
}

/** Defines a property. An assignment would fail, because properties of wx and wx.cloud may have only a getter. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}
