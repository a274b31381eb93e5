/**
 * An append-only file of records. A record that has been appended is on the disk, whatever stops then; one that was cut off or damaged is
 * passed over.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { isErrno } from '../../errno.ts'

/** More than any job's journal has. */
const BYTES_MAX = 256 * 2 ** 20

const LINE_FEED = 0x0a

export class Journal {
  readonly #file: FileHandle
  /** What was written last may have been cut off. */
  #isTorn = false
  /** Appends wait for one another. */
  #last: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** Opens it for appending; it is created where it is missing. */
  static async open(path: string): Promise<Journal> {
    const file = await open(path, 'a+', 0o600)
    try {
      const { size } = await file.stat()
      // What was cut off stands on a line of its own.
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
      if (bytesRead === 1 && buffer[0] !== LINE_FEED) await file.appendFile('\n')
      return new Journal(file)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Resolves when the record is on the disk; one that may be lost with the machine only when the system has it. */
  append(record: object, { mayBeLost = false } = {}): Promise<void> {
    const appended = this.#last.then(async () => {
      const line = this.#isTorn ? `\n${toLine(record)}` : toLine(record)
      this.#isTorn = true
      await this.#file.appendFile(line)
      this.#isTorn = false
      if (!mayBeLost) await this.#file.datasync()
    })
    // One that fails, on a full disk for instance, does not keep the next from trying.
    this.#last = appended.catch(() => {})
    return appended
  }

  async close(): Promise<void> {
    await this.#last
    await this.#file.close()
  }
}

/** The records that are whole, as they were handed in. None where there is no such file. */
export async function readJournal(path: string): Promise<unknown[]> {
  let bytes: Buffer
  try {
    bytes = await readBounded(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
  return bytes.toString('utf8').split('\n').flatMap(fromLine)
}

async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size > BYTES_MAX) throw new RangeError(`${path} is no journal: it has ${size} bytes`)
    return await readFile(file)
  } finally {
    await file.close()
  }
}

function toLine(record: object): string {
  const text = JSON.stringify(record)
  return `${checksum(text)} ${text}\n`
}

function fromLine(line: string): unknown[] {
  const [, sum, text = ''] = /^([0-9a-f]{8}) (.*)$/.exec(line) ?? []
  if (sum === undefined || checksum(text) !== sum) return []
  return [JSON.parse(text)]
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
