import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SystemRandom } from '../base/random.ts'
import { adminTokenName, demoPasswordName, keyFileIn, openGeneratedSecrets } from './generated-secrets.ts'
import { readPrivateFile, writePrivateFile } from './key-file.ts'
import { weakness } from './schema-values.ts'
import { openSecretBox, SecretBox } from './secret-box.ts'
import { hashSecret, hashToken, isSameSecret, verifySecret } from './secret-hash.ts'

const random = new SystemRandom()
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-keys-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('SecretBox', () => {
  it('gives back what was put in, never the same ciphertext twice', () => {
    const box = new SecretBox(random.bytes(32), random)
    const [a, b] = [box.encrypt('mật khẩu', 'x'), box.encrypt('mật khẩu', 'x')]
    expect(a).not.toBe(b)
    expect(box.decrypt(a, 'x')).toBe('mật khẩu')
    expect(box.decrypt(box.encrypt('', 'x'), 'x')).toBe('')
  })

  it('opens nothing for another purpose, with another key, or after a change', () => {
    const box = new SecretBox(random.bytes(32), random)
    const sealed = box.encrypt('secret', 'extension:acme/137')
    const unreadable = expect.objectContaining({ code: 'config.secret-unreadable' })
    expect(() => box.decrypt(sealed, 'extension:acme/138')).toThrow(unreadable)
    expect(() => new SecretBox(random.bytes(32), random).decrypt(sealed, 'extension:acme/137')).toThrow(unreadable)
    const parts = sealed.split('.')
    for (const i of [1, 2, 3]) {
      const part = parts[i] ?? ''
      const changed = parts.with(i, (part.startsWith('A') ? 'B' : 'A') + part.slice(1)).join('.')
      expect(() => box.decrypt(changed, 'extension:acme/137')).toThrow(unreadable)
    }
    for (const junk of ['', 'v1', 'v1...', 'v2.a.b.c', 'v1.a.b.c.d']) {
      expect(() => box.decrypt(junk, 'extension:acme/137')).toThrow(unreadable)
    }
  })

  it('keeps its key in a file that only the owner can read, also when many open it at once', async () => {
    const file = join(folder, 'keys', 'a.key')
    const boxes = await Promise.all(Array.from({ length: 20 }, () => openSecretBox(file, random)))
    const [one] = boxes
    for (const box of boxes) expect(box.decrypt(one?.encrypt('x', 'p') ?? '', 'p')).toBe('x')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(folder, 'keys'))).toEqual(['a.key'])
    const later = await openSecretBox(file, random)
    expect(later.decrypt(one?.encrypt('x', 'p') ?? '', 'p')).toBe('x')
  })

  it('has its file there whole or not at all', async () => {
    const file = join(folder, 'a.key')
    const content = 'x'.repeat(20_000_000)
    const state = { isOver: false }
    const writing = writePrivateFile(file, content, { random, isNew: true }).finally(() => (state.isOver = true))
    while (!state.isOver) expect([undefined, content.length]).toContain((await readPrivateFile(file))?.length)
    expect(await writing).toBe(true)
    expect(await writePrivateFile(file, 'another', { random, isNew: true })).toBe(false)
    expect((await readPrivateFile(file))?.length).toBe(content.length)
  })

  it('closes a key file that others could read', async () => {
    const file = join(folder, 'a.key')
    await openSecretBox(file, random)
    await chmod(file, 0o644)
    await openSecretBox(file, random)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('refuses a key file that holds something else', async () => {
    const file = join(folder, 'a.key')
    await writeFile(file, 'short\n')
    await expect(openSecretBox(file, random)).rejects.toMatchObject({ code: 'config.keys-unusable' })
    await expect(openSecretBox(folder, random)).rejects.toMatchObject({ code: 'config.keys-unusable' })
  })
})

describe('generated secrets', () => {
  it('are made once and found again after a restart', async () => {
    const first = await openGeneratedSecrets(folder, random)
    expect(first.get(adminTokenName)).toBeNull()
    const token = await first.token(adminTokenName)
    expect(token.isNew).toBe(true)
    expect(await first.token(adminTokenName)).toEqual({ value: token.value, isNew: false })
    const second = await openGeneratedSecrets(folder, random)
    expect(await second.token(adminTokenName)).toEqual({ value: token.value, isNew: false })
  })

  it('made at the same time are all kept, in a file of mode 600 that shows none of them', async () => {
    const secrets = await openGeneratedSecrets(folder, random)
    const made = await Promise.all(['101', '102', '103'].map((name) => secrets.password(demoPasswordName(name))))
    const again = await openGeneratedSecrets(folder, random)
    for (const [i, name] of ['101', '102', '103'].entries())
      expect(again.get(demoPasswordName(name))).toBe(made[i]?.value)
    const file = join(folder, 'keys', 'generated.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const content = await readFile(file, 'utf8')
    for (const { value } of made) {
      expect(content).not.toContain(value)
      expect(weakness(value, '101')).toBeUndefined()
    }
    expect((await readdir(join(folder, 'keys'))).sort()).toEqual(['generated.json', 'secrets.key'])
    expect(keyFileIn(folder)).toBe(join(folder, 'keys', 'secrets.key'))
  })

  it('in a damaged file are an error, not made anew', async () => {
    await openGeneratedSecrets(folder, random)
    await writeFile(join(folder, 'keys', 'generated.json'), '{"admin-token": 5}', { mode: 0o600 })
    await expect(openGeneratedSecrets(folder, random)).rejects.toMatchObject({ code: 'config.keys-unusable' })
  })
})

describe('hashed secrets', () => {
  it('are known again, and nothing else is', async () => {
    const stored = await hashSecret('partner-secret', random)
    expect(stored).toMatch(/^scrypt\$16384\$8\$1\$/)
    expect(await verifySecret('partner-secret', stored)).toBe(true)
    expect(await verifySecret('partner-secret ', stored)).toBe(false)
    expect(await hashSecret('partner-secret', random)).not.toBe(stored)
    const token = hashToken('abc')
    expect(await verifySecret('abc', token)).toBe(true)
    expect(await verifySecret('abd', token)).toBe(false)
  })

  it('that are damaged fit nothing, and cost nothing', async () => {
    for (const junk of [
      '',
      'sha256',
      'sha256$',
      'scrypt$1$1$1',
      'scrypt$1048576$99$99$AAAA$AAAA',
      'scrypt$16384$8$1$$',
    ]) {
      expect(await verifySecret('x', junk)).toBe(false)
      expect(await verifySecret('', junk)).toBe(false)
    }
  })

  it('are compared whatever their lengths', () => {
    expect(isSameSecret('a', 'a')).toBe(true)
    expect(isSameSecret('a', 'ab')).toBe(false)
    expect(isSameSecret('', '')).toBe(true)
  })
})
