import { resolve } from 'node:path'
import { toError } from '../base/errors.ts'
import { SystemRandom } from '../base/random.ts'
import { adminTokenName, openGeneratedSecrets } from '../config/generated-secrets.ts'
import { type Command, type CommandIo, FailedError, type GivenArguments, UsageError } from './command.ts'

const passwordLength = 20

export const userCommand: Command = {
  name: 'user',
  positionals: ['add|remove', 'EXTENSION'],
  summary: 'Adds an extension to a running server, or removes one that was added so.',
  options: {
    tenant: { type: 'string', value: 'NAME', help: 'whose extension; demo if absent' },
    name: { type: 'string', value: 'TEXT', help: 'the display name' },
    password: { type: 'string', value: 'TEXT', help: 'generated and printed if absent' },
    server: { type: 'string', value: 'URL', help: 'the HTTP address; http://127.0.0.1:8080 if absent' },
    token: {
      type: 'string',
      value: 'TEXT',
      help: 'the admin token; $SWITCHHOOK_ADMIN_TOKEN, or that of the data folder',
    },
    data: { type: 'string', value: 'FOLDER', help: 'the data folder that holds the token; ./data if absent' },
    json: { type: 'boolean', help: 'the outcome as JSON' },
  },
  async run(given, io) {
    const [action, extension = ''] = given.positionals
    if (action !== 'add' && action !== 'remove') throw new UsageError(`'${action}' is neither add nor remove`)
    const tenant = given.string('tenant') ?? 'demo'
    const base = given.string('server') ?? 'http://127.0.0.1:8080'
    if (!/^https?:\/\/[^/]/.test(base)) throw new UsageError(`--server takes http://HOST:PORT, not '${base}'`)
    const url = `${base}/api/v1/tenants/${encodeURIComponent(tenant)}/extensions/${encodeURIComponent(extension)}`
    const headers = { authorization: `Bearer ${await tokenOf(given, io)}`, 'content-type': 'application/json' }
    const password = given.string('password') ?? new SystemRandom().token(passwordLength)
    const name = given.string('name')
    const body = JSON.stringify({ password, ...(name === null ? {} : { name }) })
    const response = await fetch(
      url,
      action === 'add'
        ? { method: 'PUT', headers, body }
        : { method: 'DELETE', headers: { authorization: headers.authorization } },
    ).catch((thrown: unknown) => {
      throw new FailedError(`no server answers at ${base} (${reasonOf(thrown)})`)
    })
    if (!response.ok) {
      const answer = (await response.json().catch(() => null)) as { error?: { code?: string; message?: string } } | null
      const { code, message = `the server answered ${response.status}` } = answer?.error ?? {}
      throw new FailedError(message, code)
    }
    if (given.flag('json')) io.out(JSON.stringify({ tenant, extension, ...(action === 'add' ? { password } : {}) }))
    else
      io.out(
        action === 'add'
          ? `extension ${extension} of ${tenant}, password ${password}`
          : `extension ${extension} of ${tenant} is removed`,
      )
    return 0
  },
}

/** What lies behind "fetch failed". */
function reasonOf(thrown: unknown): string {
  const { cause, message } = toError(thrown)
  return cause instanceof Error && cause.message !== '' ? cause.message : message
}

async function tokenOf(given: GivenArguments, io: CommandIo): Promise<string> {
  const known = given.string('token') ?? io.env.SWITCHHOOK_ADMIN_TOKEN
  if (known) return known
  const folder = resolve(io.cwd, given.string('data') ?? './data')
  const secrets = await openGeneratedSecrets(folder, new SystemRandom())
  const token = secrets.get(adminTokenName)
  if (token === null) throw new UsageError(`there is no admin token in ${folder}; give one with --token`)
  return token
}
