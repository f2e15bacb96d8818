import { type Clock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { openStore, type Store, type StoreOptions } from '../../src/store/index.ts'
import { createTestDatabase, type DatabaseKind, type TestDatabase } from './databases.ts'
import { TestClock } from './test-clock.ts'

export interface TestStore {
  readonly store: Store
  readonly database: TestDatabase
  /** Closes the store and opens the same database again; `store` is the new one then. */
  reopen(options?: Partial<StoreOptions>): Promise<Store>
  /** Closes the store and removes the database. */
  remove(): Promise<void>
}

/** A store on a new database. */
export async function openTestStore(
  kind: DatabaseKind,
  options: Partial<StoreOptions> & { readonly clock?: Clock } = {},
): Promise<TestStore> {
  const database = await createTestDatabase(kind)
  const all: StoreOptions = {
    database: database.url,
    dataFolder: database.dataFolder,
    clock: new TestClock(),
    log: silentLogger,
    ...options,
  }
  try {
    let store = await openStore(all)
    return {
      get store() {
        return store
      },
      database,
      reopen: async (change) => {
        await store.close()
        store = await openStore({ ...all, ...change })
        return store
      },
      remove: async () => {
        await store.close()
        await database.remove()
      },
    }
  } catch (thrown) {
    await database.remove()
    throw thrown
  }
}
