/** What two machines that are being paired tell each other. */

import { z } from 'zod'
import { cleanText } from '../errors.ts'
import { PAIR_PEERS_MAX } from './constants.ts'

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))

/** From the guest, and its answer from the host. */
export const pairOpening = z.object({ session: hex(16), share: hex(32) })
export const pairShare = z.object({ share: hex(32) })

/** Proof that the sender knows the code; then who it is. */
export const pairProof = z.object({ proof: hex(32) })

export const pairIntroduction = z.object({
  name: z
    .string()
    .max(256)
    .overwrite((text) => cleanText(text, 64)),
  /** The PeerIds of all nodes that this machine may run. */
  peers: z
    .array(z.string().regex(/^[A-Za-z0-9]{1,128}$/))
    .min(1)
    .max(PAIR_PEERS_MAX),
  /** Of the swarm; null where it has none, or asks for it. */
  key: z
    .string()
    .max(512)
    .regex(/^[^\p{Cc}]*$/u)
    .nullable(),
})

/** The host's, or that the code was another. */
export const pairAnswer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('proven'), proof: hex(32) }),
  z.object({ type: z.literal('refused') }),
])

export type PairIntroduction = z.output<typeof pairIntroduction>
