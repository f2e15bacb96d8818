import { expect, it } from 'vitest'
import { sqliteError, toProblem } from './errors.ts'

it('a driver built for another Node is told with the command that mends it', () => {
  const thrown = Object.assign(new Error('was compiled against a different Node.js version'), {
    code: 'ERR_DLOPEN_FAILED',
  })
  const error = sqliteError('the database', toProblem(thrown))
  expect(error.code).toBe('store.driver')
  expect(error.message).toContain('npm rebuild better-sqlite3')
})
