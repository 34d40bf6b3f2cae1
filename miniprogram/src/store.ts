import type { LoginAnswer, Storage } from './types'

/** A token as it is kept in storage; all times in milliseconds, by this device's clock. */
export interface StoredToken {
  token: string
  expires: number
  /** How long such a token lives: a renewed one comes without a word on that. */
  life: number
  /** When the session ends, whatever is renewed; 0 if the gateway didn't say. */
  ends: number
}

export interface Store {
  load(): StoredToken | undefined
  save(stored: StoredToken): void
  drop(): void
}

/** The place of one token in storage. A storage that fails costs a login at the next start, and no call. */
export function newStore(storage: Storage, key: string): Store {
  return {
    load() {
      const stored = resultOrUndefined(() => storage.getStorageSync(key))
      return stored && stored.token && stored
    },
    save(stored) {
      resultOrUndefined(() => storage.setStorageSync(key, stored))
    },
    drop() {
      resultOrUndefined(() => storage.removeStorageSync(key))
    },
  }
}

export function fromAnswer({ token, expires_in, session_expires_in }: LoginAnswer): StoredToken {
  const now = Date.now()
  const life = (expires_in || 7200) * 1000
  return { token, expires: now + life, life, ends: session_expires_in ? now + session_expires_in * 1000 : 0 }
}

/** `token`, which the gateway gave in place of an earlier one and which lives as long as that did. */
export function renewed({ life, ends }: StoredToken, token: string): StoredToken {
  return { token, expires: Math.min(Date.now() + life, ends || Infinity), life, ends }
}

export function isUnexpired(stored?: StoredToken): stored is StoredToken {
  return !!stored && stored.expires > Date.now()
}

function resultOrUndefined(act: () => any): any {
  try {
    return act()
  } catch (e) {}
}
