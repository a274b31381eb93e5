/** The name and the bounds of the pairing protocol. */

export const PAIR_PROTOCOL = '/ffswarm/pair/1.0.0'

/** A node tells the PeerIds of its machine, its name and a key. */
export const PAIR_BYTES_MAX = 4 * 1024

/** Nothing in it waits for a person. */
export const PAIR_TIMEOUT_MS = 10_000

/** One at a time: a code can be tried once in each. */
export const PAIR_STREAMS_MAX = 1

/** Of one machine: it may run as many nodes at once. */
export const PAIR_PEERS_MAX = 8
