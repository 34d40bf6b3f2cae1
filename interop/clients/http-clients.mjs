// Public HTTP clients for mini programs. Each entry returns a function that makes a call with the client, by the `wx` and `uni` of platform.mjs.
import './platform.mjs'
import AdapterUniapp from '@alova/adapter-uniapp'
import { $http } from '@escook/request-miniprogram'
import { createAlova } from 'alova'
import axios from 'axios-miniprogram'
import Fly from 'flyio/dist/npm/wx'
import Luch from 'luch-request'
import uniAjax from 'uni-ajax'
import * as wxPromise from 'wx-promise-request'

/** @returns {Record<string, (baseURL: string, header: () => object) => (method: string, path: string, data?: object) => Promise<any>>} */
export const httpClients = {
  'flyio': (baseURL, header) => {
    const fly = new Fly()
    fly.config.baseURL = baseURL
    fly.interceptors.request.use(request => (Object.assign(request.headers, header()), request))
    return (method, path, data) => fly.request(path, data, { method })
  },
  'axios-miniprogram': (baseURL, header) => {
    const instance = axios.create({ baseURL })
    instance.interceptors.request.use(config => ({ ...config, headers: { ...config.headers, ...header() } }))
    return (method, url, data) => instance({ method, url, data })
  },
  'wx-promise-request': (baseURL, header) => (method, path, data) => wxPromise.request({ url: baseURL + path, method, data, header: header() }),
  '@escook/request-miniprogram': (baseURL, header) => {
    $http.baseUrl = baseURL
    $http.beforeRequest = options => Object.assign(options.header, header())
    return async (method, path, data) => $http[method.toLowerCase()](path, data)
  },
  'luch-request': (baseURL, header) => {
    const http = new Luch({ baseURL })
    http.interceptors.request.use(config => ({ ...config, header: { ...config.header, ...header() } }))
    return (method, url, data) => http.request({ method, url, data })
  },
  'uni-ajax': (baseURL, header) => {
    const ajax = uniAjax.create({ baseURL })
    ajax.interceptors.request.use(config => ({ ...config, header: { ...config.header, ...header() } }))
    return (method, url, data) => ajax({ method, url, data })
  },
  'alova, adapter-uniapp': (baseURL, header) => {
    const alova = createAlova({
      baseURL,
      ...AdapterUniapp(),
      cacheFor: null,
      beforeRequest: method => void Object.assign(method.config.headers, header()),
    })
    return (method, url, data) => alova.Request({ method, url, data }).send()
  },
}
