export {
  type Cidr,
  type HostPort,
  isInAnyCidr,
  isInCidr,
  isLoopback,
  isWildcard,
  type ListenAddress,
  parseCidr,
  parseHostPort,
  printHostPort,
} from './addresses.ts'
export {
  type DemoOptions,
  demoConfiguration,
  demoExtensions,
  demoNumbers,
  demoReservedNumbers,
  demoSettings,
} from './demo.ts'
export { describeSettings } from './describe.ts'
export {
  adminTokenName,
  demoPasswordName,
  type Generated,
  GeneratedSecrets,
  keyFileIn,
  openGeneratedSecrets,
} from './generated-secrets.ts'
export { type Configuration, type LoadOptions, loadConfiguration, loadSettings } from './load.ts'
export { isE164, isSameNumber, nationalNumber, numberKey } from './numbers.ts'
export { type ConfigProblem, printProblem, SettingsError } from './problem.ts'
export { openSecretBox, SecretBox } from './secret-box.ts'
export { hashSecret, hashToken, isSameSecret, verifySecret } from './secret-hash.ts'
export type * from './settings.ts'
