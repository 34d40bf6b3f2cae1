// Sockets and streams of public clients: how a logout closes each, and what each client does then.
import './navigator.mjs'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { StringValueSchema } from '@bufbuild/protobuf/wkt'
import { createClient as createConnectClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-web'
import { Client as Stomp } from '@stomp/stompjs'
import { EventSource } from 'eventsource'
import { createClient as createGraphQL } from 'graphql-ws'
import mqtt from 'mqtt'
import mqttForPhones from 'mqtt/dist/mqtt.esm'
import { io } from 'socket.io-client'
import WebSocket from 'ws'
import { createGateway } from '../../miniprogram/dist/index.mjs'
import { startRecorder } from './recorder.mjs'
import { echoService } from './servers.mjs'

/** How long a client is observed after the logout, in milliseconds. */
const observationTime = 35000

/**
 * Each entry opens a connection with these headers. It calls `onOpenID` with the openid that the server sends, and
 * `onReport` with each event or error that the client reports. It returns a function that closes the client.
 */
const socketClients = {
  'socket.io-client, websocket': (url, headers, onOpenID, onReport) => openSocketIO(url, headers, onOpenID, onReport, ['websocket']),
  'socket.io-client, polling': (url, headers, onOpenID, onReport) => openSocketIO(url, headers, onOpenID, onReport, ['polling']),
  'mqtt': (url, headers, onOpenID, onReport) => {
    const client = mqtt.connect(url.replace('http', 'ws') + '/mqtt', { wsOptions: { headers } })
    client.on('connect', () => client.subscribe('me'))
    client.on('message', (topic, payload) => onOpenID(payload.toString()))
    client.on('close', () => onReport('close'))
    client.on('error', error => onReport('error: ' + (error.message || error.code)))
    return () => client.end(true)
  },
  // mqtt.js has a transport for mini programs, which sets no header: the SDK, in place of wx, does.
  'mqtt, wx over the SDK': (url, headers, onOpenID, onReport, platform) => {
    globalThis.wx = createGateway({ baseURL: url, platform })
    const client = mqttForPhones.connect(url.replace('http', 'wx') + '/mqtt', { forceNativeWebSocket: true })
    client.on('connect', () => client.subscribe('me'))
    client.on('message', (topic, payload) => (onOpenID(payload.toString()), onReport('message')))
    client.on('close', () => onReport('close'))
    client.on('error', error => onReport('error: ' + (error.message || error.code)))
    return () => client.end(true)
  },
  'graphql-ws': (url, headers, onOpenID, onReport) => {
    class WithHeader extends WebSocket {
      constructor(address, protocols) {
        super(address, protocols, { headers })
      }
    }
    const client = createGraphQL({ url: url.replace('http', 'ws') + '/graphql', webSocketImpl: WithHeader })
    client.on('closed', ({ code, reason }) => onReport(`closed: ${code} ${reason}`))
    const sink = { next: ({ data }) => onOpenID(data.ticks), error: error => onReport('error: ' + describe(error)), complete: () => {} }
    client.subscribe({ query: 'subscription { ticks }' }, sink)
    return () => client.dispose()
  },
  '@stomp/stompjs': (url, headers, onOpenID, onReport) => {
    const client = new Stomp({ webSocketFactory: () => new WebSocket(url.replace('http', 'ws') + '/stomp', ['v12.stomp', 'v11.stomp'], { headers }), heartbeatIncoming: 0, heartbeatOutgoing: 0 })
    client.onConnect = () => client.subscribe('/me', ({ body }) => onOpenID(body))
    client.onWebSocketClose = ({ code, reason }) => onReport(`close: ${code} ${reason}`)
    client.activate()
    return () => client.deactivate({ force: true })
  },
  '@connectrpc/connect-web': (url, headers, onOpenID, onReport) => {
    const stop = new AbortController()
    const add = next => request => (Object.entries(headers).forEach(entry => request.header.set(...entry)), next(request))
    const client = createConnectClient(echoService(), createConnectTransport({ baseUrl: url, interceptors: [add] }))
    const read = async () => {
      for await (const { value } of client.ticks(create(StringValueSchema), { signal: stop.signal })) onOpenID(value)
      onReport('the stream ends as if it were complete')
    }
    read().catch(error => onReport('error: ' + describe(error)))
    return () => stop.abort()
  },
  'eventsource': (url, headers, onOpenID, onReport) => {
    const source = new EventSource(url + '/events', { fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }) })
    source.onmessage = ({ data }) => onOpenID(data)
    source.onerror = ({ code, message }) => onReport(`error: ${code ?? ''} ${message ?? ''}`)
    return () => source.close()
  },
}

function openSocketIO(url, headers, onOpenID, onReport, transports) {
  const socket = io(url, { transports, extraHeaders: headers, forceNew: true })
  socket.on('hello', onOpenID)
  socket.on('disconnect', reason => onReport('disconnect: ' + reason))
  socket.on('connect_error', error => onReport('connect_error: ' + error.message))
  return () => socket.disconnect()
}

function describe(error) {
  return error.message ?? (error.code ? `${error.code} ${error.reason}` : error.type ?? String(error))
}

/** The headers that a browser's page sends: the cookie of a web session, and its origin. */
async function cookieHeaders(gateway, token, origin) {
  const { path } = await (await fetch(gateway.url + '/auth/ticket', { method: 'POST', body: '{"next":"/events"}', headers: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' } })).json()
  const response = await new Promise((resolve, reject) => http.get(gateway.url + path, response => resolve(response.resume())).on('error', reject))
  const [cookie] = response.headers['set-cookie'][0].split(';')
  return { Cookie: cookie, Origin: origin }
}

/** Opens one client, ends its session, and returns what the recorder and the client saw. */
async function measure(gateway, name, open, user, credential) {
  const platform = gateway.phone(user)
  const recorder = await startRecorder(gateway.url)
  const { token } = await createGateway({ baseURL: recorder.url, platform }).login()
  const reports = []
  const headers = credential === 'cookie' ? await cookieHeaders(gateway, token, recorder.url) : { Authorization: 'Bearer ' + token }
  let onOpenID
  const received = new Promise(resolve => (onOpenID = resolve))
  const close = open(recorder.url, headers, onOpenID, text => reports.push({ at: Date.now(), text }), platform)
  const openid = await Promise.race([received, sleep(10000)])
  await sleep(300)
  const ended = Date.now()
  await gateway.logout(token)
  await sleep(observationTime)
  const after = recorder.events.filter(({ at }) => at >= ended)
  await close()
  recorder.close()
  const end = after.find(({ kind, status }) => kind === 'end' || status)
  return {
    name,
    identified: openid === (await gateway.openid(user)),
    closedAfter: end && end.at - ended,
    closeFrame: after.find(({ kind }) => kind === 'end')?.close,
    reports: reports.filter(({ at }) => at >= ended).map(({ text }) => text),
    attempts: after.filter(({ kind }) => kind === 'request').map(({ at, method, path }) => ({ after: at - ended, method, path })),
    statuses: after.filter(({ status }) => status).map(({ status }) => status),
  }
}

/** Measures all clients at the same time, each as a user of its own. The credential is 'header' or 'cookie'. */
export function measureSockets(gateway, credential) {
  const clients = Object.entries(socketClients).filter(([name]) => credential === 'header' || !name.includes('SDK'))
  return Promise.all(clients.map(([name, open], i) => measure(gateway, name, open, credential + i, credential)))
}
