export type { CallFilter } from './call-filter.ts'
export type { CallDetails, CallOutline, CallQueries } from './call-queries.ts'
export type { JournalLimits } from './call-records.ts'
export { maxPageItems, type Page, type PageRequest } from './cursor.ts'
export { parseDatabaseUrl } from './database-url.ts'
export type { DocumentFilter, DocumentKey, DocumentKind, Documents, Json, StoredDocument } from './documents.ts'
export type { Meta } from './meta.ts'
export type { Outbox } from './outbox.ts'
export type {
  Announcement,
  Attempt,
  EventFilter,
  EventState,
  NewEvent,
  OutboxEvent,
  OutboxLoad,
} from './outbox-types.ts'
export type { RecordingFilter, Recordings } from './recordings.ts'
export type { InterruptedRecording, Recovered } from './recovery.ts'
export type { Purged, PurgeRequest, Retention } from './retention.ts'
export type { DayStatistics, StatisticsRequest } from './statistics.ts'
export { openStore, type Store, type StoreOptions } from './store.ts'
export type { WriteLoad, WriteQueueLimits } from './write-queue.ts'
