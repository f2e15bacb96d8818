export type { ExpiryLimits } from './contact-updates.ts'
export {
  defaultExpiry,
  type RegisteredContact,
  Registrar,
  type RegistrarEvents,
  type RegistrarOptions,
} from './registrar.ts'
export type { Subscriber, Subscribers } from './subscribers.ts'
export type * from './types.ts'
