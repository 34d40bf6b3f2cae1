// The requirements of a route, as text.
import { t } from './i18n.mjs'

export function requirements(route) {
  return [
    `auth ${route.auth}`,
    route.credentials.includes('cookie') && 'cookie',
    route.roles && t('oneOf', route.roles.join(', ')),
    route.require_phone && t('phoneAsked'),
    route.proof && route.proof !== 'off' && `${t('proof')}: ${route.proof}`,
    route.websocket && 'WebSocket',
  ].filter(Boolean)
}
