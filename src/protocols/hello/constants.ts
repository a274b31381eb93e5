/** The name and the bounds of the hello protocol. */

export const HELLO_PROTOCOL = '/ffswarm/hello/1.0.0'

/** The largest valid hello, 512 encoder names of 64 characters and 1024 CPU numbers, fits. */
export const HELLO_BYTES_MAX = 48 * 1024

export const HELLO_TIMEOUT_MS = 5_000

/** Each side greets once and may refresh: more at a time on one connection is a fault. */
export const HELLO_STREAMS_MAX = 4
