// The effective configuration.
import { card, el } from './dom.mjs'
import { t } from './i18n.mjs'

export async function showConfig(root, { api, fail }) {
  try {
    const text = await api.text('/api/config')
    root.replaceChildren(card(t('configTitle'), el('p', { class: 'muted small', text: t('lead') }), el('pre', { tabindex: '0' }, text.split('\n').flatMap(tint))))
  } catch (error) {
    fail(error)
  }
}

/** A line of YAML with its key and hidden values highlighted. */
function tint(line) {
  const [, before, key, rest] = line.match(/^(\s*(?:- )?)([\w-]+)(:.*)$/) || []
  if (key === undefined) return [line, '\n']
  return [before, el('span', { class: 'name', text: key }), rest.includes('[redacted]') ? el('span', { class: 'hidden-value', text: rest }) : rest, '\n']
}
