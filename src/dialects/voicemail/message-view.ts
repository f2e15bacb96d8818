import type { VoicemailMessageRow } from '../../store/voicemail.ts'

/** A message as the admin API and events show it. */
export function viewMessage(row: VoicemailMessageRow) {
  const { id, tenant, owner, voice, caller } = row
  return {
    id,
    from: caller,
    receivedAt: new Date(row.received_at).toISOString(),
    durationSeconds: row.duration_seconds,
    isRead: row.is_read === 1,
    deletedAt: row.deleted_at === null ? null : new Date(row.deleted_at).toISOString(),
    forwardedBy: row.forwarded_by,
    voice,
    audio: `/api/v1/mailboxes/${encodeURIComponent(tenant)}/${encodeURIComponent(owner)}/messages/${id}/audio`,
  }
}
