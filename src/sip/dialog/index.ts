export { chooseTarget, destinationOf, type RequestTarget } from './next-hop.ts'
export type { SessionTimerSettings } from './session-expires.ts'
export type * from './types.ts'
export { UserAgent, type UserAgentOptions } from './user-agent.ts'
