/** The name and the bounds of the blob protocol. */

export const BLOB_PROTOCOL = '/ffswarm/blob/1.0.0'

/**
 * The most one request may ask for: the unit of what is in memory, on both sides. Between two processes of one core
 * each, 1 MiB brings 247-275 MB/s; 2 and 4 MiB are no faster.
 */
export const BLOB_RANGE_BYTES_MAX = 1024 * 1024

/** Requests on their way at once: enough to hide a round trip, few enough to bound the memory of a slow reader. */
export const BLOB_RANGES_OUTSTANDING = 3

/** An opening or a request names a blob or a range: anything larger is a fault. */
export const BLOB_REQUEST_BYTES_MAX = 1024

/** Readers of one peer at once: some for each slot of a large machine. */
export const BLOB_STREAMS_MAX = 256

export const BLOB_OPEN_TIMEOUT_MS = 5_000

/** A stream from which nothing comes though it was asked is given up after this long, and opened again. */
export const BLOB_STALL_TIMEOUT_MS = 10_000

/** How long a reader tries to get its peer back before a read fails: as long as a worker goes on without its coordinator. */
export const BLOB_BREAK_TIMEOUT_MS = 120_000

export const BLOB_REOPEN_INTERVAL_MS = 500

/** A server lets go of a reader that asked nothing for this long; the reader opens anew when it wants more. */
export const BLOB_IDLE_TIMEOUT_MS = 10 * 60_000

/** A server lets go of a reader that takes none of what it asked for. */
export const BLOB_SEND_TIMEOUT_MS = 60_000
