import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

/** Processes looked at; on a machine with more, the owner may stay unknown. */
const maxProcesses = 4096
const listenState = '0A'

/**
 * Which process has a port open, as a person would name it: `baresip (process 4242)`. Linux only, and only for processes
 * whose files this user may see; null where it cannot be known. Meant for error messages: it reads much of /proc.
 */
export async function portOwner(protocol: 'udp' | 'tcp', port: number): Promise<string | null> {
  try {
    const inodes = await inodesOf(protocol, port)
    return inodes.size === 0 ? null : await processWith(inodes)
  } catch {
    return null
  }
}

/** Socket inodes on that port. Columns: slot, local address:port in hex, remote, state, …, the tenth is the inode. */
async function inodesOf(protocol: 'udp' | 'tcp', port: number): Promise<Set<string>> {
  const inodes = new Set<string>()
  for (const table of [protocol, `${protocol}6`]) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '')
    for (const line of text.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/)
      const local = columns[1]?.split(':')[1]
      if (local === undefined || Number.parseInt(local, 16) !== port) continue
      if (protocol === 'tcp' && columns[3] !== listenState) continue
      if (columns[9] !== undefined) inodes.add(columns[9])
    }
  }
  return inodes
}

async function processWith(inodes: ReadonlySet<string>): Promise<string | null> {
  const wanted = new Set([...inodes].map((inode) => `socket:[${inode}]`))
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).slice(0, maxProcesses)
  for (const id of processes) {
    const files = await readdir(`/proc/${id}/fd`).catch(() => [])
    for (const file of files) {
      const target = await readlink(`/proc/${id}/fd/${file}`).catch(() => '')
      if (wanted.has(target)) return `${await nameOf(id)} (process ${id})`
    }
  }
  return null
}

async function nameOf(id: string): Promise<string> {
  const name = (await readFile(`/proc/${id}/comm`, 'utf8').catch(() => '')).trim()
  // Newer versions of Node call their main thread so, which names the process, too.
  if (name !== 'MainThread') return name || 'a program'
  const [program = ''] = (await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')).split('\0', 1)
  return basename(program) || name
}
