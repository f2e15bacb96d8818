import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { ConfigError, toError } from '../../base/errors.ts'

/**
 * Reads a certificate and its key, PEM. Rejects with ConfigError `voicemail.tls-files` naming the file that is missing, cannot
 * be read, or does not fit to the other.
 * @param files - absolute paths.
 */
export async function readSecureContext(files: {
  readonly certificate: string
  readonly key: string
}): Promise<SecureContext> {
  const cert = await readPem(files.certificate)
  const key = await readPem(files.key)
  const certificate = attempt(files.certificate, 'holds no certificate in PEM', () => new X509Certificate(cert))
  const privateKey = attempt(files.key, 'holds no private key in PEM, or one that is encrypted', () =>
    createPrivateKey(key),
  )
  if (!certificate.checkPrivateKey(privateKey)) {
    throw problem(files.key, `is not the key of the certificate in ${files.certificate}`)
  }
  return attempt(files.certificate, 'cannot be used', () => createSecureContext({ cert, key, minVersion: 'TLSv1.2' }))
}

/** Authorities that are trusted besides the usual ones. Rejects with ConfigError `voicemail.tls-files`. */
export async function readAuthority(file: string): Promise<string> {
  const text = await readPem(file)
  attempt(file, 'holds no certificate in PEM', () => new X509Certificate(text))
  return text
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    throw problem(file, `cannot be read: ${toError(thrown).message}`, thrown)
  }
}

function attempt<Result>(file: string, sentence: string, work: () => Result): Result {
  try {
    return work()
  } catch (thrown) {
    throw problem(file, `${sentence}: ${toError(thrown).message}`, thrown)
  }
}

function problem(file: string, sentence: string, cause?: unknown): ConfigError {
  return new ConfigError('voicemail.tls-files', `${file} ${sentence}.`, { cause, facts: { file } })
}
