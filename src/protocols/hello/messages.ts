/** What a node says of itself to another. */

import { z } from 'zod'
import { cleanText } from '../errors.ts'

const NAME_LENGTH_MAX = 64

export const helloMessage = z.object({
  protocolVersion: z.literal(1),
  software: z
    .string()
    .max(256)
    .overwrite((text) => cleanText(text, 64)),
  name: z
    .string()
    .max(256)
    .overwrite((text) => cleanText(text, NAME_LENGTH_MAX)),
  swarm: z
    .string()
    .max(256)
    .overwrite((text) => cleanText(text, 256)),
  role: z.enum(['worker', 'coordinator', 'observer']),
  state: z.enum(['idle', 'working', 'draining']),
  /** An opaque id of the machine: nodes with the same one share its CPUs. */
  host: z.string().regex(/^[0-9a-f]{0,64}$/),
  /** The CPUs this process may run on; empty where unknown. */
  cpus: z.array(z.int().min(0).max(65_535)).max(1024),
  cores: z.int().min(0).max(65_535),
  slots: z.int().min(0).max(65_535),
  busySlots: z.int().min(0).max(65_535),
  /** For whom a worker works. */
  serving: z
    .array(
      z.object({
        name: z
          .string()
          .max(256)
          .overwrite((text) => cleanText(text, NAME_LENGTH_MAX)),
        tasks: z.int().min(0).max(65_535),
      }),
    )
    .max(16)
    .default([]),
  /** Its clock when it says so: milliseconds since 1970. */
  clockMs: z.int().min(0).max(8.64e15).optional(),
  ffmpeg: z
    .object({
      version: z
        .string()
        .max(256)
        .overwrite((text) => cleanText(text, 64)),
      encoders: z.array(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)).max(512),
    })
    .nullable(),
})

export type Hello = z.output<typeof helloMessage>
