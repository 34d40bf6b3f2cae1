// The routes in the order in which they are matched.
import { card, code, el, table } from './dom.mjs'
import { explainForm } from './explain.mjs'
import { t } from './i18n.mjs'
import { requirements } from './requirements.mjs'

export async function showRoutes(root, context) {
  const list = el('div')
  root.replaceChildren(explainForm(context), list)
  try {
    const { routes } = await context.api.call('GET', '/api/routes')
    list.replaceChildren(card(t('order'), table(['#', t('path'), t('host'), t('methods'), t('asksFor'), t('rate'), t('target'), t('name')], routes.map(row), t('order'))))
  } catch (error) {
    context.fail(error)
  }
}

function row(route, i) {
  return [
    String(i + 1), code(route.path), route.host || t('any'), (route.methods || []).join(' ') || t('any'), requirements(route).join(', '), route.rate_limit || '–',
    el('span', {}, route.upstreams.map(({ url, weight }) => el('span', { class: 'block' }, code(url), weight === 1 ? undefined : ` ×${weight}`))), route.name,
  ]
}
