import { resolve } from 'node:path'
import { loadSettings } from '../config/load.ts'
import { SettingsError } from '../config/problem.ts'
import type { Command } from './command.ts'

export const usualConfigFile = 'switchhook.yaml'

export const checkCommand: Command = {
  name: 'check',
  positionals: [],
  summary: 'Reads a configuration and says what is wrong with it, all of it at once.',
  options: {
    config: { type: 'string', short: 'c', value: 'FILE', help: `the configuration; ${usualConfigFile} if absent` },
    json: { type: 'boolean', help: 'the problems as JSON' },
  },
  async run(given, io) {
    const file = resolve(io.cwd, given.string('config') ?? usualConfigFile)
    try {
      const settings = await loadSettings({ file, environment: io.env })
      const numbers = [...settings.tenants.values()].reduce((sum, tenant) => sum + tenant.numbers.size, 0)
      if (given.flag('json'))
        io.out(JSON.stringify({ ok: true, tenants: settings.tenants.size, numbers, problems: [] }))
      else io.out(`${file} is good: ${counted(settings.tenants.size, 'tenant')}, ${counted(numbers, 'number')}.`)
      return 0
    } catch (thrown) {
      if (!(thrown instanceof SettingsError)) throw thrown
      if (given.flag('json')) io.out(JSON.stringify({ ok: false, problems: thrown.problems }))
      else io.err(thrown.message)
      return 1
    }
  },
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
