import {
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  dictionary,
  integer,
  letrec,
  oneof,
  string,
} from 'fast-check'
import { describe, expect, it } from 'vitest'
import { badFiles, tenant } from '../../test/fixtures/config/bad-files.ts'
import { loadSettings } from './load.ts'
import { type ConfigProblem, SettingsError } from './problem.ts'

async function problemsOf(text: string): Promise<readonly ConfigProblem[]> {
  const look = { kindOf: async () => null, list: async () => [] }
  const options = { text, name: 'bad.yaml', baseDir: '/etc/hook', environment: {}, cores: 2, look }
  const thrown: unknown = await loadSettings(options).then(
    () => null,
    (error: unknown) => error,
  )
  if (thrown instanceof SettingsError) return thrown.problems
  throw new Error(`no SettingsError but ${String(thrown)}`)
}

describe('a configuration with one mistake', () => {
  it.each(badFiles)('$name is told with its place and what was expected', async (bad) => {
    const problems = await problemsOf(bad.lines.join('\n'))
    expect(problems.map((problem) => problem.path)).toContain(bad.path)
    const problem = problems.find((one) => one.path === bad.path && one.sentence.includes(bad.says))
    expect(problem, JSON.stringify(problems, null, 1)).toBeDefined()
    expect([problem?.line, problem?.column]).toEqual(bad.at)
    expect(problem?.expected).toContain(bad.expected)
    expect(problem?.file).toBe('bad.yaml')
  })

  it('is told once: no mistake of the table brings a second problem, but for what YAML itself does not know', async () => {
    for (const bad of badFiles.filter(({ name }) => !name.includes('YAML'))) {
      expect([bad.name, (await problemsOf(bad.lines.join('\n'))).length]).toEqual([bad.name, 1])
    }
  })

  it('never shows a secret', async () => {
    const text = tenant(
      'extensions: { "137": { password: "hush-1" } }',
      'partners: { p: { dialect: voip24h, secret: "hush-2" } }',
    )
    const problems = await problemsOf(['database: "mysql://root:hush-3@db/x"', ...text].join('\n'))
    expect(problems).toHaveLength(3)
    expect(JSON.stringify(problems)).not.toContain('hush')
  })

  it('does not unfold aliases without end', async () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (const pair of ['b a', 'c b', 'd c', 'e d', 'f e', 'g f']) {
      const [name, of] = pair.split(' ')
      lines.push(`${name}: &${name} [*${of}, *${of}, *${of}, *${of}, *${of}, *${of}, *${of}, *${of}, *${of}, *${of}]`)
    }
    const problems = await problemsOf(lines.join('\n'))
    expect(problems.filter((problem) => problem.sentence === 'There is too much here.')).toHaveLength(1)
  })

  it('does not fall over brackets in brackets', async () => {
    const problems = await problemsOf(`data: ${'['.repeat(100_000)}`)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.length).toBeLessThanOrEqual(20)
  })

  it('whatever stands in the file, gives settings or problems and nothing else', async () => {
    const key = constantFrom(
      'sip',
      'listen',
      'tenants',
      'acme',
      'apps',
      'menu',
      'dialect',
      'url',
      'numbers',
      'extensions',
      'mailbox',
      '222',
      'dial',
    )
    const value = oneof(
      string(),
      integer(),
      boolean(),
      constantFrom(null, '${X}', '*a', '[', '{', 'voicenter', '0.0.0.0:1'),
    )
    const { tree } = letrec<{ tree: unknown }>((tie) => ({
      tree: oneof(
        { maxDepth: 5 },
        value,
        array(tie('tree'), { maxLength: 3 }),
        dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    const outcome = (text: string): Promise<string> =>
      loadSettings({ text, name: 'any.yaml', environment: {} }).then(
        () => 'settings',
        (thrown: unknown) => (thrown instanceof SettingsError ? 'problems' : String(thrown)),
      )
    await assert(
      asyncProperty(
        oneof(
          string(),
          tree.map((any) => JSON.stringify(any, null, 1)),
        ),
        async (text) => {
          expect(['settings', 'problems']).toContain(await outcome(text ?? ''))
        },
      ),
      { numRuns: 500 },
    )
  })
})
