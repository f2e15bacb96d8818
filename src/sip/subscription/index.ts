export { Notifier, type NotifierOptions } from './notifier.ts'
export type * from './types.ts'
