/**
 * Freezes a value and all it holds, maps included: settings are shared by everything, and a change made by one reader
 * would be a riddle to the others. Returns the same value.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (value instanceof Map) {
    for (const inner of value.values()) deepFreeze(inner)
    // Object.freeze does not reach what a map holds: its changing methods are taken away instead.
    for (const method of ['set', 'delete', 'clear'] as const) {
      Object.defineProperty(value, method, { value: refuseChange })
    }
  } else {
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return Object.freeze(value)
}

function refuseChange(): never {
  throw new TypeError('Settings do not change after they were read.')
}
