import { callsErrors } from './error-codes-calls.ts'
import { operationErrors } from './error-codes-operation.ts'
import { wireErrors } from './error-codes-wire.ts'

/** Who is expected to act on an error; decides how loudly it is logged. */
export type ErrorActor = 'peer' | 'network' | 'caller' | 'operator' | 'us'

/**
 * Every error code of the project, once. A code is `family-word.what-happened`. `docs/errors.md` is made from these
 * tables by `npm run docs`, and a test checks that each code is thrown somewhere and each thrown code stands here.
 */
export const errorCatalogue = { ...operationErrors, ...callsErrors, ...wireErrors } as const

export type ErrorCode = keyof typeof errorCatalogue
