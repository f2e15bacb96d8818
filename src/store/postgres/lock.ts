import type { Client } from 'pg'
import { StoreError } from '../../base/errors.ts'

/** Our advisory lock; the two numbers only have to be nobody else's. The first spells "SWIT". */
const lockKey = [0x53574954, 1] as const

interface Holder {
  readonly pid: number
  readonly address: string | null
}

/**
 * Takes the lock of the only writer for as long as this connection lives; the server lets go of it with the connection.
 * @param ownPid - the server's process of our connection before, or null: after a cut line it may still stand there
 * holding our lock, and is then ended.
 * Throws StoreError `store.in-use`; else what pg throws.
 */
export async function takeWriterLock(client: Client, name: string, ownPid: number | null): Promise<void> {
  if (await tryLock(client)) return
  const holder = await findHolder(client)
  if (holder !== null && holder.pid === ownPid) {
    await client.query('select pg_terminate_backend($1, 2000)', [ownPid])
    if (await tryLock(client)) return
  }
  const who = holder?.address ? `A server at ${holder.address}` : 'Another server'
  throw new StoreError('store.in-use', `${who} is already using ${name}; two servers cannot share it.`, {
    facts: { database: name, address: holder?.address ?? null },
  })
}

async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, $2) as taken', [...lockKey])
  return rows[0]?.taken === true
}

async function findHolder(client: Client): Promise<Holder | null> {
  const { rows } = await client.query<Holder>(
    `select a.pid, host(a.client_addr) as address
     from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.classid = $1 and l.objid = $2
       and l.database = (select oid from pg_database where datname = current_database())`,
    [...lockKey],
  )
  return rows[0] ?? null
}
