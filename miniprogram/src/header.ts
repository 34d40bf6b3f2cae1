import type { Result } from './platform'

/** A response header by its lower-case name; platforms differ in the letter case of the names. */
export function headerOf({ header = {} }: Pick<Result, 'header'>, name: string): string {
  for (const key in header) {
    if (key.toLowerCase() === name) return String(header[key])
  }
  return ''
}

/** A copy of request headers without those whose names match. */
export function without(header: Record<string, any> | undefined, names: RegExp): Record<string, any> {
  const rest: Record<string, any> = {}
  for (const name in header) {
    if (!names.test(name)) rest[name] = header[name]
  }
  return rest
}

/** Whether the result has headers: on older base libraries, uploads and downloads have none. */
export function hasHeaders({ header }: Result): boolean {
  return !!Object.keys(header || {})[0]
}
