import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Driver } from '../driver.ts'
import { PostgresReader } from './reader.ts'
import { PostgresWriter } from './writer.ts'

export interface PostgresOptions {
  readonly url: string
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
}

/** Connects to a PostgreSQL database: one connection that writes, a few that read. Rejects with StoreError. */
export async function openPostgres(options: PostgresOptions): Promise<Driver> {
  const writer = await PostgresWriter.open(options)
  return { dialect: 'postgres', name: options.name, writer, reader: new PostgresReader(options) }
}
