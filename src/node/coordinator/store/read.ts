/** A journal's records, as far as they are whole. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readJournal } from './journal.ts'
import { type BegunRecord, type JournalRecord, journalRecord, type SegmentRecord } from './records.ts'

export async function readRecords(directory: string): Promise<JournalRecord[]> {
  return toRecords(await readJournal(join(directory, 'journal')))
}

export function toRecords(records: readonly unknown[]): JournalRecord[] {
  return records.flatMap((record) => {
    const { success, data } = journalRecord.safeParse(record)
    return success ? [data] : []
  })
}

export function begunOf(records: readonly JournalRecord[]): BegunRecord | undefined {
  return records.findLast((record) => record.type === 'job')
}

/** Those whose files are still there, each once. */
export async function storedOnly(
  directory: string,
  segments: readonly SegmentRecord[],
): Promise<SegmentRecord[]> {
  const files = new Set(await readdir(join(directory, 'segments')).catch(() => []))
  return segments.filter(({ file }) => files.delete(file))
}
