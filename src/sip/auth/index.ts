export { computeHa1, type DigestAlgorithm } from './digest.ts'
export { DigestClient } from './digest-client.ts'
export {
  type ChallengeForm,
  type Credential,
  type CredentialLookup,
  DigestServer,
  type DigestServerOptions,
  type DigestVerdict,
} from './digest-server.ts'
export { defaultFailureLimits, type FailureLimitOptions } from './failure-limits.ts'
