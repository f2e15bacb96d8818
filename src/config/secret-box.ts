import { createCipheriv, createDecipheriv } from 'node:crypto'
import { ConfigError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { readPrivateFile, writePrivateFile } from './key-file.ts'

const keyBytes = 32
/** NIST SP 800-38D §8.2.2: random IVs of 96 bits are good for 2^32 texts under one key. */
const ivBytes = 12
const tagBytes = 16
const version = 'v1'

/**
 * Encrypts secrets that must be read again (SIP passwords: digest needs them) with AES-256-GCM. Each text is bound to
 * what it is for: moved to another row, it no longer opens.
 */
export class SecretBox {
  readonly #key: Uint8Array
  readonly #random: Random

  /** @param key - 32 bytes. */
  constructor(key: Uint8Array, random: Random) {
    this.#key = key
    this.#random = random
  }

  /**
   * @param purpose - what it is for, not secret: `extension:acme/137`.
   * @returns ASCII: version, IV, tag and ciphertext.
   */
  encrypt(text: string, purpose: string): string {
    const iv = this.#random.bytes(ivBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(purpose))
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return [version, ...[iv, cipher.getAuthTag(), sealed].map((part) => Buffer.from(part).toString('base64url'))].join(
      '.',
    )
  }

  /** @throws ConfigError `config.secret-unreadable`: another key, another purpose, or changed. */
  decrypt(encrypted: string, purpose: string): string {
    const [found, ...parts] = encrypted.split('.')
    const [iv, tag, sealed] = parts.map((part) => Buffer.from(part, 'base64url'))
    if (found !== version || parts.length !== 3 || iv?.length !== ivBytes || tag?.length !== tagBytes || !sealed) {
      throw unreadable(purpose)
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, iv, { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(tag)
      return decipher.update(sealed, undefined, 'utf8') + decipher.final('utf8')
    } catch (thrown) {
      throw unreadable(purpose, thrown)
    }
  }
}

/**
 * The box of a key file, which is made at the first start with mode 600.
 * @throws ConfigError `config.keys-unusable`, `config.keys-exposed`.
 */
export async function openSecretBox(keyFile: string, random: Random): Promise<SecretBox> {
  let text = await readPrivateFile(keyFile)
  if (text === null) {
    const fresh = `${Buffer.from(random.bytes(keyBytes)).toString('base64')}\n`
    // Two servers may start at once on one folder: the first key stays, the other reads it.
    text = (await writePrivateFile(keyFile, fresh, { random, isNew: true })) ? fresh : await readPrivateFile(keyFile)
  }
  const key = Buffer.from((text ?? '').trim(), 'base64')
  if (key.length !== keyBytes) {
    const sentence = `${keyFile} does not hold a key of ${keyBytes} bytes in base 64.`
    throw new ConfigError('config.keys-unusable', sentence, { facts: { file: keyFile } })
  }
  return new SecretBox(new Uint8Array(key), random)
}

function unreadable(purpose: string, cause?: unknown): ConfigError {
  return new ConfigError('config.secret-unreadable', `The secret for ${purpose} cannot be decrypted.`, {
    facts: { purpose },
    cause,
  })
}
