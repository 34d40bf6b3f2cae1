import type { LoginResponse, Storage } from './types'

/** The record in storage; all times in milliseconds, by this device's clock. */
export interface StoredToken {
  token: string
  expires: number
  /** The lifetime of a token, kept because a token sent with another response has no expires_in. */
  life: number
  /** When the session ends even if the token is renewed; 0 if unknown. */
  ends: number
}

export interface Store {
  load(): StoredToken | undefined
  save(stored: StoredToken): void
  drop(): void
}

/** Keeps one token in storage. If the storage fails, the only effect is another login at the next start. */
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

export function tokenOf({ token, expires_in, session_expires_in }: LoginResponse): StoredToken {
  const now = Date.now()
  const life = (expires_in || 7200) * 1000
  return { token, expires: now + life, life, ends: session_expires_in ? now + session_expires_in * 1000 : 0 }
}

/** The record of `token`, which replaces an earlier token and has the same lifetime. */
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
