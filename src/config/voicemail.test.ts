import { describe, expect, it } from 'vitest'
import { loadSettings } from './load.ts'
import type { SettingsError } from './problem.ts'

const load = (text: string) => loadSettings({ text, baseDir: '/etc/hook', environment: { SMTP: 'mail-password' } })

async function sentences(text: string): Promise<readonly string[]> {
  const error = await load(text).then(
    () => null,
    (thrown: SettingsError) => thrown,
  )
  return error?.problems.map(({ path, sentence, expected }) => `${path}: ${sentence} ${expected}`) ?? []
}

const mail = (more: string) => `voicemail: { mail: { host: mail.example.com, from: "VM <vm@a.example>", ${more} } }`
const mailbox = (text: string) =>
  `tenants: { acme: { extensions: { "137": { password: "long-enough-1", mailbox: ${text} } } } }`

describe('the settings of voicemail', () => {
  it('takes several sockets, a certificate, strict nodes and the name of our own', async () => {
    const { voicemail } = await load(`voicemail:
  listen: ["tcp:127.0.0.1:7070", "tls:[::1]:7071"]
  tls: { certificate: tls/vms.pem, key: /keys/vms.key }
  nodes: { SBY: { tenant: acme, key: node-key-1, media: strict }, JKT: { tenant: acme, key: node-key-2 } }
  nodeName: JKT-1
tenants: { acme: {} }`)
    expect(voicemail.listen).toEqual([
      { protocol: 'tcp', address: '127.0.0.1', port: 7070 },
      { protocol: 'tls', address: '::1', port: 7071 },
    ])
    expect(voicemail.tls).toEqual({ certificate: '/etc/hook/tls/vms.pem', key: '/keys/vms.key' })
    expect([...voicemail.nodes.values()].map(({ isStrict }) => isStrict)).toEqual([true, false])
    expect(voicemail.nodeName).toBe('JKT-1')
  })

  it('says what a socket lacks', async () => {
    expect(await sentences('voicemail: { listen: "tls:127.0.0.1:7071" }')).toEqual([
      expect.stringContaining('A socket of TLS needs a certificate. `voicemail.tls`'),
    ])
    expect(await sentences('voicemail: { listen: ["udp:127.0.0.1:7071"] }')).toEqual([
      expect.stringContaining('tcp:ADDRESS:PORT or tls:ADDRESS:PORT'),
    ])
    const twice = 'voicemail: { listen: ["tcp:127.0.0.1:7071", "tcp:0.0.0.0:7071"] }'
    expect(await sentences(twice)).toEqual([expect.stringContaining('voicemail service listens')])
  })

  it('gives a mail server its usual port, and its password only where nobody else reads it', async () => {
    const { voicemail } = await load(mail(`user: hook, password: "\${SMTP}"`))
    expect(voicemail.mail).toEqual({
      host: 'mail.example.com',
      port: 587,
      security: 'starttls',
      authority: null,
      login: { user: 'hook', password: 'mail-password' },
      from: { name: 'VM', address: 'vm@a.example' },
      attachmentBytes: 10e6,
    })
    expect((await load(mail('security: tls'))).voicemail.mail?.port).toBe(465)
    const readable = 'user: hook, password: "mail-password", security: none'
    const problems = await sentences(mail(readable))
    expect(problems).toEqual([expect.stringContaining('would travel readably to mail.example.com')])
    expect(problems.join()).not.toContain('mail-password')
    expect(await sentences(mail(readable).replace('mail.example.com', 'localhost'))).toEqual([])
    expect(await sentences(mail('user: hook'))).toEqual([expect.stringContaining('a user and a password')])
  })

  it('takes addresses of owners, one, several, or with wishes, and none that could be more than one', async () => {
    const box = async (text: string) => {
      const { tenants } = await load(mailbox(text))
      return tenants.get('acme')?.extensions.get('137')?.mailbox
    }
    const usual = { language: null, attach: true, format: 'wav', after: 'keep' }
    expect((await box('{ email: "a@b.example" }'))?.email).toEqual({ to: ['a@b.example'], ...usual })
    expect((await box('{ email: ["a@b.example", "c+d@e.example"] }'))?.email?.to).toHaveLength(2)
    const wishes = '{ email: { to: "a@b.example", language: ina, attach: false, format: mp3, after: delete } }'
    expect((await box(wishes))?.email).toMatchObject({ language: 'id', attach: false, format: 'mp3', after: 'delete' })
    expect((await box('{ retention: { newDays: 90 } }'))?.retention).toEqual({ newDays: 90, savedDays: null })
    expect((await box('true'))?.email).toBeNull()
    for (const bad of [
      'a',
      'a@b@c.example',
      'a b@c.example',
      '<a@b.example>',
      'a@b.example,c@d.example',
      '.a@b.example',
    ]) {
      expect(await sentences(mailbox(`{ email: "${bad}" }`)), bad).toEqual([expect.stringContaining('e-mail address')])
    }
  })
})
