/** What is asked of a benchmark and what it tells. */

import { z } from 'zod'
import { failureCode, failureText } from '../messages.ts'

const side = z.int().min(16).max(16_384)

export const benchmarkRequest = z.object({
  params: z.array(z.string().max(4096)).max(256),
  width: side,
  height: side,
  /** Frames a second, as numerator and denominator. */
  frameRate: z.tuple([z.int().min(1).max(1_000_000), z.int().min(1).max(1_000_000)]),
  seconds: z.number().positive().max(60),
})

export type BenchmarkRequest = z.output<typeof benchmarkRequest>

export const benchmarkResponse = z.union([
  z.object({ frames: z.int().min(0), seconds: z.number().min(0), fps: z.number().min(0) }),
  z.object({ code: failureCode, message: failureText }),
])

export type BenchmarkResponse = z.output<typeof benchmarkResponse>

export interface BenchmarkResult {
  readonly frames: number
  /** By the wall clock. */
  readonly seconds: number
  readonly fps: number
}
