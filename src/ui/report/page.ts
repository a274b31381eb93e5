/** The report of a job as a page for people: one file, nothing fetched, nothing run. */
import { quote } from 'shlex'
import type { ReadReport } from '../../node/index.ts'
import { formatBytes, formatSeconds } from '../format.ts'
import { bitRateCurve, filmOf, qualityCurve } from './curves.ts'
import { busyShares, COLOURS, gantt } from './gantt.ts'
import { Html, html } from './html.ts'
import { STYLE } from './style.ts'

// Whatever names stand in it: no script is run, and nothing is loaded.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"

export function reportPage(report: ReadReport): string {
  const { source, output, work, warnings } = report
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${nameOf(output.path)}: a job of ffswarm</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<h1>${nameOf(source.path)} → ${nameOf(output.path)}</h1>
<p class="soft">${report.begunAt === undefined ? undefined : html`begun ${dateOf(report.begunAt)}, `}${report.software}${report.plan === undefined ? undefined : `, job ${report.plan.job}`}</p>
${verdict(report)}
${about(report)}
${figures(report)}
${work === undefined || work.attempts.length === 0 ? undefined : timeline(work)}
${film(report)}
${nodes(report)}
${report.verdict === 'exact' ? efficiency(work) : undefined}
${certificate(report)}
${commands(report)}
${warnings.length === 0 ? undefined : html`<h2>Warnings</h2><ul>${warnings.map((text) => html`<li>${text}</li>`)}</ul>`}
${segments(report)}
</body>
</html>
`.text
}

function verdict({ verdict: said, failure, output, level }: ReadReport): Html {
  if (said === 'failed') {
    const isInterrupted = failure?.code === 'INTERRUPTED'
    return isInterrupted
      ? html`<p><span class="verdict interrupted">interrupted</span> ${failure?.message}</p>`
      : html`<p><span class="verdict failed-job">failed</span></p><p class="not">${failure?.message}</p>`
  }
  const looked = level === 'full' ? ', and its pictures are the source’s' : ''
  return html`<p><span class="verdict exact">exact</span> ${output.times?.count} frames, each at the time at which one ffmpeg has it${looked}</p>`
}

function about({ source, params }: ReadReport): Html {
  const { video } = source
  const picture = video === undefined ? '' : `${video.codec}, ${video.width}x${video.height}`
  const given = params.given ?? (params.video ?? []).join(' ')
  return html`<p class="soft">${picture === '' ? undefined : `of ${picture}; `}${given === '' ? undefined : html`by <code>${given}</code>`}</p>`
}

function figures({ work, output, source, verdict: said }: ReadReport): Html | undefined {
  if (work === undefined || work.attempts.length === 0) return undefined
  const frames = work.peers.reduce((sum, peer) => sum + peer.frames, 0)
  const figure = (name: string, value: string, more?: string) =>
    html`<div><dt>${name}</dt><dd>${value}${more === undefined ? undefined : html`<small>${more}</small>`}</dd></div>`
  // Of a job that came to no end there is no telling how well it went.
  const used = said === 'exact' ? work.efficiency : null
  return html`<dl class="figures">
${figure('time', formatSeconds(work.wallSeconds), frames > 0 ? `${(frames / Math.max(work.wallSeconds, 0.001)).toFixed(1)} frames a second` : undefined)}
${used === null ? undefined : figure('beside the fastest node alone', `${used.speedup.toFixed(2)} ×`, `it would take about ${formatSeconds(used.bestSeconds)}`)}
${used === null ? undefined : figure('of what all nodes could do', `${Math.round(used.ofSum * 100)} %`, `${formatSeconds(used.boundSeconds)} at the least`)}
${output.sizeBytes === undefined ? undefined : figure('output', formatBytes(output.sizeBytes), source.sizeBytes === undefined ? undefined : `of a source of ${formatBytes(source.sizeBytes)}`)}
${figure('over the network', `${formatBytes(work.bytesSent)} ↑`, `${formatBytes(work.bytesReceived)} ↓ came back`)}
</dl>`
}

function timeline(work: NonNullable<ReadReport['work']>): Html {
  const key = (style: string, text: string) => html`<li><i style="${style}"></i>${text}</li>`
  // One that was refused has nothing to show.
  const has = (outcome: string) =>
    work.attempts.some((attempt) => attempt.outcome === outcome && attempt.encoding !== null)
  const hasOpen = work.attempts.some(({ outcome, encoding }) => outcome === null && encoding !== null)
  return html`<h2>Who did what when</h2>
<div class="wide">${gantt(work)}</div>
<ul class="key">
${key('height:2px;opacity:.5', 'given, and waiting for a slot or the source')}
${key('height:12px', 'encoding')}
${key('height:4px;opacity:.45', 'its bytes come back and are checked')}
${has('needless') || hasOpen ? key('height:12px;background:var(--gray)', 'others were sooner, or it was broken off') : undefined}
${has('failed') ? key('height:12px;background:var(--bad)', 'failed') : undefined}
</ul>
<p class="soft">On top the job’s phases: ${work.phases.map(({ phase, began, ended }) => `${phase} ${formatSeconds(ended - began)}`).join(', ')}.${
    work.framesBefore > 0 ? ` ${work.framesBefore} frames were there from before.` : ''
  }</p>`
}

function film(report: ReadReport): Html | undefined {
  const frame = filmOf(report)
  const { bitRate, pictures } = report.output
  if (frame === undefined || bitRate === undefined || bitRate.bytes.length === 0) return undefined
  const { stretches = [] } = pictures ?? {}
  return html`<h2>The film</h2>
<p class="soft">Bits a second of the video; the marks below are where segments meet.</p>
<div class="wide">${bitRateCurve(bitRate, frame)}</div>
${
  stretches.length === 0
    ? html`<p class="soft">Its pictures were not compared with the source’s: <code>--verify full</code> does that.</p>`
    : html`<p class="soft">SSIM to the source’s pictures where they were looked at, seams among them: a stretch’s median, and down to its lowest.</p><div class="wide">${qualityCurve(stretches, frame)}</div>`
}`
}

function nodes({ nodes: known, work }: ReadReport): Html | undefined {
  const framesOf = (peer: string) =>
    known.find((one) => one.peer === peer)?.frames ??
    work?.peers.find((one) => one.peer === peer)?.frames ??
    0
  const busy = work === undefined ? new Map<string, number>() : busyShares(work)
  const peers = new Set([...(work?.peers ?? []).map(({ peer }) => peer), ...known.map(({ peer }) => peer)])
  if (peers.size === 0) return undefined
  const total = Math.max(
    1,
    [...peers].reduce((sum, peer) => sum + framesOf(peer), 0),
  )
  const made = (peer: string) =>
    work?.attempts.filter((attempt) => attempt.peer === peer && attempt.outcome === 'verified').length ?? 0
  const rows = [...peers].map((peer, place) => {
    const node = known.find((one) => one.peer === peer)
    const own = work?.peers.find((one) => one.peer === peer)
    const share = Math.round((framesOf(peer) / total) * 100)
    return html`<tr class="c${place % COLOURS}"><td>${node?.name ?? own?.name}<br><span class="soft">…${peer.slice(-8)}</span></td>
<td class="one"><span class="share"><i style="width:${share}%"></i></span>${share} %</td>
<td class="n">${node?.segments ?? made(peer)}</td><td class="n">${framesOf(peer)}</td>
<td class="n">${own?.framesPerSecond == null ? '–' : own.framesPerSecond.toFixed(1)}</td><td class="n">${own?.slots ?? '–'}</td>
<td class="n">${own === undefined ? '–' : `${Math.round((busy.get(peer) ?? 0) * 100)} %`}</td>
<td class="n">${own === undefined ? '–' : `${formatBytes(own.bytesSent)} / ${formatBytes(own.bytesReceived)}`}</td>
<td>${node?.ffmpeg}<br><span class="soft">${node?.encoders.join(', ')}</span></td></tr>`
  })
  return html`<h2>Nodes</h2><div class="wide"><table>
<tr><th>node</th><th>share of the film</th><th class="n">segments</th><th class="n">frames</th><th class="n">frames/s</th><th class="n">slots</th><th class="n">busy</th><th class="n">sent / received</th><th>FFmpeg</th></tr>
${rows}</table></div>`
}

function efficiency(work: ReadReport['work']): Html | undefined {
  const used = work?.efficiency
  if (work === undefined || used == null) return undefined
  const best = work.peers.find(({ peer }) => peer === used.best)
  return html`<p class="soft">By what each encoded here a second while its slots were at work: all of them together, without a pause from the first moment to the last, would have taken ${formatSeconds(used.boundSeconds)}, and ${best?.name ?? 'the fastest'} alone ${formatSeconds(used.bestSeconds)}. The job took ${formatSeconds(work.wallSeconds)}, all told.</p>`
}

function certificate({ source, plan, output }: ReadReport): Html | undefined {
  const { expectedTimes, times, sha256, shiftTicks, audio = [], pictures } = output
  if (expectedTimes === undefined || times === undefined) return undefined
  const isSame = expectedTimes.digest === times.digest
  const row = (name: string, value: Html | string) => html`<tr><th>${name}</th><td>${value}</td></tr>`
  const seconds = (value: number) => `${value.toFixed(6)} s`
  return html`<h2>Certificate</h2><div class="wide"><table>
${source.times === undefined ? undefined : row('frames of the source', html`${source.times.count}, digest of their times <code>${source.times.digest}</code>`)}
${plan === undefined ? undefined : row('frames of the film', html`${plan.times.count}, in ticks of ${plan.timeBase} s`)}
${row('one ffmpeg gives them', html`<code>${expectedTimes.digest}</code>`)}
${row(
  'the output has',
  html`<code>${times.digest}</code> ${
    isSame
      ? html`<span class="ok">the same</span>`
      : html`<span class="soft">the same but for ${shiftTicks ?? 0} ticks, as the container has it</span>`
  }`,
)}
${audio.map((track) =>
  row(
    `audio, stream ${track.stream} (${track.codec})`,
    `begins at ${seconds(track.start.actualSeconds)} (expected ${seconds(track.start.expectedSeconds)}), ends at ${seconds(track.end.actualSeconds)} (${seconds(track.end.expectedSeconds)})`,
  ),
)}
${pictures === undefined ? undefined : row('pictures', `${pictures.compared} compared with the source’s: SSIM ${pictures.medianSsim.toFixed(4)}, lowest ${pictures.lowestSsim.toFixed(4)}`)}
${sha256 === undefined ? undefined : row('sha256 of the output', html`<code>${sha256}</code>`)}
</table></div>`
}

function commands({ singleRun, source, output, params }: ReadReport): Html | undefined {
  if (singleRun == null) return undefined
  const given = params.given === null ? [] : ['--params', quote(params.given)]
  return html`<h2>See for yourself</h2>
<p>Plain ffmpeg makes the same frames at the same times by</p>
<pre>${inWords(singleRun.map(quote))}</pre>
<p>and whoever has both files can compare them by</p>
<pre>${inWords(['ffswarm', 'verify', quote(output.path), '--source', quote(source.path), ...given, '--verify', 'full'])}</pre>`
}

/** Lines break between them alone. */
function inWords(words: readonly string[]): Html[] {
  return words.map((word) => html`<span>${word}</span> `)
}

function segments({ segments: list, nodes: known }: ReadReport): Html | undefined {
  if (list.length === 0) return undefined
  const names = new Map(known.map(({ peer, name }) => [peer, name ?? peer.slice(-8)]))
  return html`<h2>Segments</h2><details><summary>all ${list.length}</summary><div class="wide"><table>
<tr><th class="n">segment</th><th class="n">frames</th><th class="n">size</th><th>by</th><th class="n">try</th><th>sha256</th></tr>
${list.map(
  (segment) =>
    html`<tr><td class="n">${segment.index}</td><td class="n">${segment.frames}</td><td class="n">${formatBytes(segment.sizeBytes)}</td><td>${names.get(segment.peer)}</td><td class="n">${segment.attempt}</td><td><code>${segment.sha256.slice(0, 16)}…</code></td></tr>
`,
)}</table></div></details>`
}

function nameOf(path: string): string {
  return path.replace(/^.*[/\\]/, '')
}

function dateOf(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')
}
