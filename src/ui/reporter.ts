/** Which way a job is told to a person. */
import type { JobEvent } from '../node/index.ts'
import { doneText, plainReporter } from './plain.ts'
import { styleOf, wantsColours, wantsUnicode } from './style.ts'
import { type Reporter, terminalReporter } from './terminal/reporter.ts'

export interface ReporterOptions {
  readonly stream: NodeJS.WriteStream
  readonly env: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  readonly quiet?: boolean | undefined
  readonly verbose?: boolean | undefined
  readonly color?: boolean | undefined
  now(): number
}

export function reporterFor({ stream, env, platform, now, ...options }: ReporterOptions): Reporter {
  if (options.quiet) return without(() => {})
  // What the libraries tell with DEBUG would stand in the middle of it.
  const isLive =
    stream.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined && env.DEBUG === undefined
  if (!isLive || options.verbose) {
    return without(
      plainReporter({ write: (text) => stream.write(text), isVerbose: options.verbose === true, now }),
    )
  }
  const colours = options.color !== false && wantsColours(env, true)
  return terminalReporter({
    stream,
    style: styleOf({ colours, unicode: wantsUnicode(env, platform) }),
    doneText,
    now,
  })
}

function without(take: (event: JobEvent) => void): Reporter {
  return { take, close: () => {} }
}
