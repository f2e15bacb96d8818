import { expect, it } from 'vitest'
import { sqliteError, toProblem } from './errors.ts'

it.each([
  ['ERR_DLOPEN_FAILED', 'was compiled against a different Node.js version'],
  ['MODULE_NOT_FOUND', "Cannot find module 'better-sqlite3-13'"],
])('a driver of another Node (%s) is told with the command that mends it', (code, message) => {
  const thrown = Object.assign(new Error(message), { code })
  const error = sqliteError('the database', toProblem(thrown))
  expect(error.code).toBe('store.driver')
  expect(error.message).toContain('npm ci')
})
