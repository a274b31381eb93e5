/** Reads a report again: JSON, or a page for people with the same in it. Whoever wrote it, it is checked. */
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { JobError } from './failure.ts'
import { REPORT_SCHEMA } from './report.ts'

/** A report of 4,000 segments has some 4 MB. */
export const REPORT_BYTES_MAX = 64 * 2 ** 20

/** How a page for people begins, and what stands around the report in it. */
const DOCTYPE = '<!doctype html>\n'
export const PAGE_BEGINNING = `${DOCTYPE}<!-- ${REPORT_SCHEMA} -->\n`
const PAGE_DATA = ['<script type="application/json" id="report">', '</script>'] as const

/** A page for people with the report itself in it, which {@link readReport} finds again. @param page HTML with a body */
export function withReport(page: string, report: ReadReport): string {
  const data = JSON.stringify(report).replaceAll('<', '\\u003c')
  const end = page.lastIndexOf('</body>')
  const body = page.startsWith(DOCTYPE) ? page.slice(DOCTYPE.length, end) : page.slice(0, end)
  return `${PAGE_BEGINNING}${body}${PAGE_DATA.join(data)}\n${page.slice(end)}`
}

const seconds = z.number().min(0)
const times = z.object({
  count: z.int(),
  digest: z.string(),
  firstPts: z.number().nullish(),
  lastPts: z.number().nullish(),
})
const edge = z.object({ expectedSeconds: z.number(), actualSeconds: z.number() })
const video = z.object({ codec: z.string(), width: z.int(), height: z.int(), timeBase: z.string() })

/** What of a report is read again: older ones have less, later ones more. */
const reportShape = z.object({
  schema: z.literal(REPORT_SCHEMA),
  verdict: z.enum(['exact', 'failed']),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  software: z.string(),
  begunAt: z.string().optional(),
  level: z.enum(['times', 'full']),
  source: z.object({
    path: z.string(),
    sizeBytes: z.number().optional(),
    video: video.optional(),
    times: times.optional(),
  }),
  params: z.object({
    given: z.string().nullable(),
    encoder: z.string().optional(),
    video: z.array(z.string()).optional(),
    filters: z.string().optional(),
  }),
  plan: z.object({ job: z.string(), timeBase: z.string(), times }).optional(),
  singleRun: z.array(z.string()).nullish(),
  nodes: z.array(
    z.object({
      peer: z.string(),
      name: z.string().optional(),
      software: z.string().optional(),
      ffmpeg: z.string().optional(),
      encoders: z.array(z.string()),
      segments: z.int(),
      frames: z.int(),
    }),
  ),
  segments: z.array(
    z.object({
      index: z.int(),
      firstPts: z.number(),
      frames: z.int().min(0),
      sizeBytes: z.number(),
      sha256: z.string(),
      peer: z.string(),
      attempt: z.int(),
      complaints: z.int().optional(),
    }),
  ),
  output: z.object({
    path: z.string(),
    sizeBytes: z.number().optional(),
    sha256: z.string().optional(),
    video: video.optional(),
    expectedTimes: times.optional(),
    times: times.optional(),
    shiftTicks: z.number().optional(),
    bitRate: z.object({ seconds: z.number().min(1), bytes: z.array(z.number().min(0)) }).optional(),
    audio: z.array(z.object({ stream: z.int(), codec: z.string(), start: edge, end: edge })).optional(),
    pictures: z
      .object({
        compared: z.int(),
        medianSsim: z.number(),
        lowestSsim: z.number(),
        stretches: z
          .array(
            z.object({
              first: z.int(),
              end: z.int(),
              seconds: z.number(),
              medianSsim: z.number(),
              lowestSsim: z.number(),
            }),
          )
          .optional(),
      })
      .optional(),
  }),
  warnings: z.array(z.string()),
  work: z
    .object({
      wallSeconds: seconds,
      bytesSent: z.number(),
      bytesReceived: z.number(),
      phases: z.array(z.object({ phase: z.string(), began: seconds, ended: seconds })),
      attempts: z.array(
        z.object({
          index: z.int(),
          attempt: z.int(),
          peer: z.string(),
          first: z.int(),
          frames: z.int(),
          assigned: seconds,
          encoding: seconds.nullable(),
          encoded: seconds.nullable(),
          ended: seconds.nullable(),
          outcome: z.enum(['verified', 'failed', 'needless']).nullable(),
          code: z.string().nullable(),
        }),
      ),
      peers: z.array(
        z.object({
          peer: z.string(),
          name: z.string(),
          slots: z.int(),
          frames: z.int(),
          framesPerSecond: z.number().nullable(),
          bytesSent: z.number(),
          bytesReceived: z.number(),
        }),
      ),
      efficiency: z
        .object({
          boundSeconds: z.number(),
          ofSum: z.number(),
          best: z.string(),
          bestSeconds: z.number(),
          speedup: z.number(),
        })
        .nullable(),
      framesBefore: z.int(),
    })
    .optional(),
})

/** A report as it is read again; one that has just been written is such a one too. */
export type ReadReport = Whole<z.infer<typeof reportShape>>

type Whole<Type> = Type extends object ? { readonly [Key in keyof Type]: Whole<Type[Key]> } : Type

/** What a report claims of a file: all that is needed to see whether that holds. */
const claimsShape = z.object({
  schema: z.literal(REPORT_SCHEMA),
  params: z.object({ given: z.string().nullable() }),
  segments: z.array(z.object({ frames: z.int().min(0) })),
  source: z.object({ times: z.object({ digest: z.string() }).optional() }),
  output: z.object({ sha256: z.string().optional() }),
})

export type ReportClaims = z.infer<typeof claimsShape>

/** @throws JobError REPORT_UNREADABLE */
export async function readClaims(path: string): Promise<ReportClaims> {
  return await read(path, (content) => claimsShape.parse(content))
}

/** @throws JobError REPORT_UNREADABLE */
export async function readReport(path: string): Promise<ReadReport> {
  return await read(path, (content) => {
    reportShape.parse(content)
    // As it is: what else it says goes wherever it is written again.
    return content as ReadReport
  })
}

async function read<Content>(path: string, check: (content: unknown) => Content): Promise<Content> {
  try {
    const { size } = await stat(path)
    if (size > REPORT_BYTES_MAX) throw new Error('larger than any')
    return check(JSON.parse(dataIn(await readFile(path, 'utf8'))))
  } catch (cause) {
    const isOfSystem = cause instanceof Error && 'code' in cause && 'syscall' in cause
    const detail = isOfSystem
      ? cause.message.replace(/, \w+ '.*'$/s, '')
      : 'it is no report of ffswarm encode'
    throw new JobError({ code: 'REPORT_UNREADABLE', path, detail }, { cause })
  }
}

function dataIn(text: string): string {
  if (!text.startsWith(PAGE_BEGINNING)) return text
  const [opening, closing] = PAGE_DATA
  const from = text.lastIndexOf(opening) + opening.length
  return text.slice(from, text.indexOf(closing, from))
}
