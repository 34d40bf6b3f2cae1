// The sign-in form for an admin token.
import { connect } from './api.mjs'
import { el } from './dom.mjs'
import { t } from './i18n.mjs'

/** Shows the form; calls onSignedIn with the API and the scopes and apps of the token. */
export function showSignIn(root, message, onSignedIn) {
  const field = el('input', { type: 'password', name: 'token', id: 'token', autocomplete: 'off', spellcheck: 'false', maxlength: '512', required: true })
  const problem = el('p', { class: 'error', role: 'alert', text: message || '' })
  const submit = async event => {
    event.preventDefault()
    const api = connect(field.value.trim())
    try {
      const token = await api.call('GET', '/api/token')
      if (!token.scopes.includes('admin')) return (problem.textContent = t('wrongScope'))
      onSignedIn(api, token)
    } catch (error) {
      problem.textContent = error.status ? error.message : t('unreachable')
      field.select()
    }
  }
  root.replaceChildren(el('form', { class: 'card sign-in', on: { submit } },
    el('h1', { text: t('signIn') }), el('p', { text: t('signInLead') }),
    el('label', { for: 'token', text: t('token') }), field,
    el('button', { class: 'primary', text: t('signIn') }), problem, el('p', { class: 'muted small', text: t('signInHint') })))
  field.focus()
}
