/** What was found out about a file, for people. */
import type { Verification } from '../node/index.ts'

// A wrong film has thousands of wrong pictures: some tell as much.
const SHOWN_MAX = 20

export function verificationText(verification: Verification): string {
  const { verdict, output, source, findings } = verification
  if (verdict === 'exact') return `${output}: exactly what ${source} makes: ${evidence(verification)}\n`
  const shown = findings.slice(0, SHOWN_MAX).map(({ code, message }) => `  ${code}: ${message}`)
  const more = findings.length > SHOWN_MAX ? [`  and ${findings.length - SHOWN_MAX} more`] : []
  return [`${output}: not what ${source} makes`, ...shown, ...more, ''].join('\n')
}

function evidence({ frames, streams, audio, pictures, copies = 0 }: Verification): string {
  const apart = audio.flatMap(({ start, end }) =>
    [start, end].map(({ expectedSeconds, actualSeconds }) => Math.abs(actualSeconds - expectedSeconds)),
  )
  return [
    `${frames} frames, each at its time`,
    `${streams.length} ${streams.length === 1 ? 'stream' : 'streams'}`,
    ...(apart.length === 0 ? [] : [`audio within ${(Math.max(...apart) * 1000).toFixed(1)} ms`]),
    ...(copies === 0
      ? []
      : [`${copies} ${copies === 1 ? 'track' : 'tracks'} of copied sound or subtitles byte for byte`]),
    ...(pictures === undefined
      ? ['pictures not looked at']
      : [
          `${pictures.compared} pictures compared (SSIM ${pictures.medianSsim.toFixed(3)} in the middle, ${pictures.lowestSsim.toFixed(3)} at least)`,
        ]),
  ].join(', ')
}
