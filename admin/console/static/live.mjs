// The live data: the history once, then each event of the stream, passed to the views.

const keptPoints = 300
const retryAfter = 2000

export function startLive(api, { onLost, onRefused }) {
  const stopper = new AbortController()
  const live = { status: undefined, points: [], listeners: new Set(), stop: () => stopper.abort() }

  function take(event) {
    live.status = event.status
    const last = live.points.at(-1)
    if (event.point && (!last || last.at < event.point.at)) live.points = [...live.points, event.point].slice(-keptPoints)
    onLost(false)
    for (const listener of live.listeners) listener(live)
  }

  async function run() {
    while (!stopper.signal.aborted) {
      try {
        live.points = (await api.call('GET', '/api/history')).points
        await api.follow('/api/events', (kind, event) => kind === 'status' && take(event), stopper.signal)
      } catch (error) {
        if (error.status === 401 || error.status === 403) return onRefused(error)
      }
      if (stopper.signal.aborted) return
      onLost(true)
      await new Promise(resolve => setTimeout(resolve, retryAfter))
    }
  }
  run()
  return live
}
