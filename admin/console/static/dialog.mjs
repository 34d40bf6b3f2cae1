// A confirmation dialog for changes.
import { byId, button, el } from './dom.mjs'
import { t } from './i18n.mjs'

/** Shows a question with fields {name, label, node}. Resolves to whether it was confirmed. */
export function confirmAction({ title, text, fields = [], action }) {
  const dialog = byId('dialog')
  return new Promise(resolve => {
    const close = agreed => {
      dialog.close()
      dialog.replaceChildren()
      resolve(agreed)
    }
    dialog.oncancel = () => close(false)
    dialog.replaceChildren(
      el('h2', { text: title, id: 'dialog-title' }),
      el('p', { text }),
      ...fields.map(({ label, node }) => el('label', {}, el('span', { text: label }), node)),
      el('div', { class: 'actions' }, button(t('cancel'), () => close(false), { class: 'plain', autofocus: true }), button(action, () => close(true), { class: 'danger' })),
    )
    dialog.setAttribute('aria-labelledby', 'dialog-title')
    dialog.showModal()
  })
}
