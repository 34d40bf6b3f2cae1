import type { LoginAnswer, Storage } from './index'

/** A token as it lies in storage; all times in milliseconds, by this device's clock. */
export interface Held {
  token: string
  expires: number
  /** How long such a token lives: a renewed one comes without a word on that. */
  life: number
  /** When the session ends, whatever is renewed; 0 if the gateway didn't say. */
  ends: number
}

export interface Store {
  load(): Held | undefined
  save(held: Held): void
  drop(): void
}

/** The place of one token in storage. A storage that fails costs a login at the next start, and no call. */
export function newStore(storage: Storage, key: string): Store {
  return {
    load() {
      const held = attempt(() => storage.getStorageSync(key))
      return held && typeof held.token === 'string' ? held : undefined
    },
    save(held) {
      attempt(() => storage.setStorageSync(key, held))
    },
    drop() {
      attempt(() => storage.removeStorageSync(key))
    },
  }
}

export function heldFrom({ token, expires_in, session_expires_in }: LoginAnswer): Held {
  const now = Date.now()
  const life = (expires_in || 7200) * 1000
  return { token, expires: now + life, life, ends: session_expires_in ? now + session_expires_in * 1000 : 0 }
}

/** `fresh`, which came in place of `held` and lives as long as that did. */
export function renewed({ life, ends }: Held, fresh: string): Held {
  return { token: fresh, expires: Math.min(Date.now() + life, ends || Infinity), life, ends }
}

export function isAlive(held?: Held): held is Held {
  return !!held && held.expires > Date.now()
}

function attempt(act: () => any): any {
  try {
    return act()
  } catch (e) {
    return undefined
  }
}
