/** The name and the bounds of the segment protocol. */

export const SEGMENT_PROTOCOL = '/ffswarm/segment/1.0.0'

/** One offer names one segment; its parameters are the user's command line. Anything larger is a fault. */
export const SEGMENT_OFFER_BYTES_MAX = 64 * 1024

export const SEGMENT_MESSAGE_BYTES_MAX = 16 * 1024

/** Attempts of one coordinator at once: a slot each on a large machine. */
export const SEGMENT_STREAMS_MAX = 256

/** From opening the stream to the worker's yes or no. */
export const SEGMENT_OFFER_TIMEOUT_MS = 10_000

export const SEGMENT_SEND_TIMEOUT_MS = 10_000

export const SEGMENT_HEARTBEAT_MS = 1_000

/**
 * A worker that has said nothing for this long has lost the task. Until then it may be out of reach: what it does goes on, and others
 * who have nothing else to do do it once more.
 */
export const SEGMENT_LEASE_MS = 60_000

/** Between two tries to reach a worker whose stream broke. */
export const SEGMENT_REATTACH_INTERVAL_MS = 500

/** How long a worker goes on with a task whose coordinator is out of reach: longer than that counts with it. */
export const SEGMENT_DETACHED_MS = 120_000

/** After this long without its coordinator a task keeps no place from others: most of them are waiting for bytes of it anyway. */
export const SEGMENT_AWAY_MS = 10_000

/** How long a worker that wants to leave waits for a coordinator that is out of reach. */
export const SEGMENT_LEAVE_MS = 5_000

/** How long a worker keeps a result that nobody has acknowledged. */
export const SEGMENT_RETAIN_MS = 10 * 60_000
