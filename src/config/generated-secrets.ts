import { join } from 'node:path'
import { ConfigError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { readPrivateFile, writePrivateFile } from './key-file.ts'
import { openSecretBox, type SecretBox } from './secret-box.ts'

/** 20 of 36 letters: 103 bits, and short enough to be typed into a telephone. */
const passwordLength = 20
/** 32 of 36 letters: 165 bits. */
const tokenLength = 32

/** Where the keys lie in the data folder. */
export function keyFileIn(dataFolder: string): string {
  return join(dataFolder, 'keys', 'secrets.key')
}

function generatedFileIn(dataFolder: string): string {
  return join(dataFolder, 'keys', 'generated.json')
}

export interface Generated {
  readonly value: string
  /** Made just now: to be shown once. */
  readonly isNew: boolean
}

/**
 * Secrets that Switchhook made because nobody gave any: the demo's passwords, the admin token. Kept encrypted in the
 * data folder, so that they are the same after a restart and the command line can find them.
 */
export class GeneratedSecrets {
  readonly #file: string
  readonly #box: SecretBox
  readonly #random: Random
  readonly #encrypted: Map<string, string>
  #writing: Promise<unknown> = Promise.resolve()

  constructor(file: string, box: SecretBox, random: Random, encrypted: ReadonlyMap<string, string>) {
    this.#file = file
    this.#box = box
    this.#random = random
    this.#encrypted = new Map(encrypted)
  }

  /** The secret of that name, or null. Throws ConfigError `config.secret-unreadable`. */
  get(name: string): string | null {
    const encrypted = this.#encrypted.get(name)
    return encrypted === undefined ? null : this.#box.decrypt(encrypted, purposeOf(name))
  }

  /** The password of that name, made where there is none. */
  password(name: string): Promise<Generated> {
    return this.#ensure(name, passwordLength)
  }

  /** The bearer token of that name, made where there is none. */
  token(name: string): Promise<Generated> {
    return this.#ensure(name, tokenLength)
  }

  async #ensure(name: string, length: number): Promise<Generated> {
    const known = this.get(name)
    if (known !== null) return { value: known, isNew: false }
    const value = this.#random.token(length)
    this.#encrypted.set(name, this.#box.encrypt(value, purposeOf(name)))
    // One writing behind the other: the last one holds everything.
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write())
    await this.#writing
    return { value, isNew: true }
  }

  async #write(): Promise<void> {
    const content = `${JSON.stringify(Object.fromEntries(this.#encrypted), null, 2)}\n`
    await writePrivateFile(this.#file, content, { random: this.#random })
  }
}

/**
 * Opens the generated secrets of a data folder, and makes their key at the first start.
 * @throws ConfigError `config.keys-unusable`, `config.keys-exposed`.
 */
export async function openGeneratedSecrets(dataFolder: string, random: Random): Promise<GeneratedSecrets> {
  const file = generatedFileIn(dataFolder)
  const box = await openSecretBox(keyFileIn(dataFolder), random)
  const text = await readPrivateFile(file)
  return new GeneratedSecrets(file, box, random, text === null ? new Map() : parse(text, file))
}

/** The names used by this server: the admin token, and a demo extension's password. */
export const adminTokenName = 'admin-token'
/** Signs the links to recordings that Hoiio applications are given. */
export const hoiioLinkKeyName = 'hoiio-link-key'
export function demoPasswordName(extension: string): string {
  return `demo/${extension}`
}

function purposeOf(name: string): string {
  return `generated:${name}`
}

function parse(text: string, file: string): Map<string, string> {
  const entries = entriesOf(text)
  if (entries) return new Map(entries)
  throw new ConfigError('config.keys-unusable', `${file} is damaged.`, { facts: { file } })
}

function entriesOf(text: string): [string, string][] | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    const entries = Object.entries(value)
    return entries.every((entry): entry is [string, string] => typeof entry[1] === 'string') ? entries : null
  } catch {
    return null
  }
}
