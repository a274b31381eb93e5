#!/usr/bin/env node
/** The command line: words into one call into node/, a reporter, and an exit code. */
import './polyfill.ts'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import {
  Argument,
  Command,
  CommanderError,
  type Command as CommandType,
  InvalidArgumentError,
  Option,
} from 'commander'
import { type Config, ConfigError, readConfig } from './node/config.ts'
import { BENCHMARK_SECONDS_DEFAULT, WAIT_SECONDS_DEFAULT } from './node/coordinator/request.ts'
import type {
  EncodeRequest,
  FileEvent,
  JobEvent,
  LiveEvent,
  NodeInit,
  PairedMachine,
  SandboxMode,
  SwarmNode,
  Turn,
  VerifyLevel,
  WorkerTaskEvent,
} from './node/index.ts'
import { type Preset, presetsWith } from './node/presets.ts'
import { VERSION } from './node/version.ts'
import {
  collect,
  delaySeconds,
  fileName,
  nonNegativeInteger,
  pictureSize,
  port,
  positiveInteger,
  positiveNumber,
  reportName,
  serveAddress,
} from './ui/arguments.ts'
import { complete, completionLines, SCRIPTS, SHELLS, type Shell } from './ui/completion.ts'
import { printable } from './ui/format.ts'
import { jsonLines } from './ui/json-lines.ts'
import { liveReporter } from './ui/live.ts'
import { logFile } from './ui/log-file.ts'
import { readSecret } from './ui/read-secret.ts'
import { isPage, reportText } from './ui/report/index.ts'
import { reporterFor } from './ui/reporter.ts'
import {
  applySettings,
  CONFIG_EXAMPLE,
  checkSettings,
  configText,
  type Known,
  settingsFor,
  settingsOf,
} from './ui/settings.ts'
import {
  benchmarkTable,
  checksTable,
  jobsTable,
  peersTable,
  presetsText,
  reportRow,
  reportsTable,
} from './ui/tables.ts'
import type { Reporter } from './ui/terminal/reporter.ts'
import { verificationText } from './ui/verification.ts'
import { fileText } from './ui/words.ts'

// What stands on the command line is seen by everybody on this machine, and what is in the environment by every ffmpeg.
if (process.argv.some((word) => word === '--key' || word.startsWith('--key='))) process.title = 'ffswarm'
const { FFSWARM_KEY } = process.env
delete process.env.FFSWARM_KEY

const out = (text: string) => void process.stdout.write(text)
const err = (text: string) => void process.stderr.write(text)
const json = jsonLines(out)

interface NetworkOptions {
  sandbox?: SandboxMode
  name: string
  listen?: string[]
  port?: number
  connect?: string[]
  mdns: boolean
  swarm?: string
  key?: string
  allow?: string[]
  deny?: string[]
  dataDir?: string
  json?: boolean
  logFile?: string | undefined
}

const { config, configError } = await readConfig({
  ...{ cwd: process.cwd(), env: process.env, platform: process.platform, uid: process.getuid?.() },
}).then(
  (read) => ({ config: read, configError: undefined }),
  // Help and slips of the pen do without.
  (error: unknown) => ({ config: { files: [], userPath: undefined } satisfies Config, configError: error }),
)
const PRESETS = presetsWith(config.files)

const program = new Command('ffswarm')
  .description('One video, all your machines: encode with FFmpeg on every computer of your network.')
  .version(VERSION)
  // Before the commands are made, which inherit it.
  .exitOverride()
  .showHelpAfterError('(ffswarm --help shows all commands and options)')
  .showSuggestionAfterError()
  .configureOutput({ writeErr: err, writeOut: out })
  .addHelpText(
    'before',
    `Examples:
  ffswarm join                                   work for others until Ctrl-C
  ffswarm encode film.mkv                        encode with whoever is there
  ffswarm encode film.mkv -o film.mp4 --peers 3 --params "-c:v libsvtav1 -preset 6 -crf 30"
  ffswarm peers                                  who is on the network
`,
  )

networkOptions(
  program
    .command('join')
    .description('work for others until Ctrl-C')
    .option('--slots <n>', 'segments to encode at once', positiveInteger)
    .option(
      '--max-load <cores>',
      'take nothing while other programs use more cores than that',
      positiveNumber,
    )
    .addOption(sandboxOption()),
).action((options: NetworkOptions & { slots?: number; maxLoad?: number }) =>
  main(
    options,
    async (signal, { createNode, surroundings, toConnect }) => {
      const show = options.json ? (task: WorkerTaskEvent) => json({ event: 'task', ...task }) : tellTask
      const log = logOf(options)
      const onTask = (task: WorkerTaskEvent) => {
        log({ event: 'task', ...task })
        show(task)
      }
      const node = await createNode(
        { ...nodeInit('worker', options), slots: options.slots, maxLoad: options.maxLoad, onTask },
        surroundings(),
        { signal },
      )
      try {
        const addresses = node.libp2p.getMultiaddrs().map(String)
        const { ffmpeg, tools, machine } = node
        const { slots } = node.capacity
        const ready = {
          event: 'ready',
          peer: node.peerId.toString(),
          name: options.name,
          addresses,
          slots,
          cores: machine.cores,
          ffmpeg: ffmpeg.version,
          open: node.isOpen,
          sandbox: node.sandbox.kind ?? null,
        }
        log(ready)
        if (options.json) {
          json(ready)
        } else {
          out(`${options.name} is ready: ${node.peerId.toString()}\n`)
          for (const address of addresses) out(`  listening on ${address}\n`)
          const connect = toConnect(node.libp2p.getMultiaddrs())
          if (connect !== undefined)
            out(`  where others do not find it by themselves: --connect ${connect}\n`)
          out(
            `  ffmpeg ${ffmpeg.version} (${tools.ffmpeg.path}), ${slots} ${slots === 1 ? 'slot' : 'slots'} on ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}\n`,
          )
          out(`  ${node.isOpen ? OPEN : 'closed swarm: only nodes with its key, or those allowed, get in'}\n`)
          out(`  ${sandboxText(node.sandbox)}\n`)
        }
        if (process.getuid?.() === 0) err(`${ROOT}\n`)
        node.discovery?.addEventListener('unavailable', ({ detail }) =>
          err(`warning: no multicast here (${detail.message}): others must name this node with --connect\n`),
        )
        await aborted(signal)
        if (node.busySlots > 0) {
          if (options.json) json({ event: 'draining', tasks: node.busySlots })
          else out('  finishing what was begun; press Ctrl-C again to stop at once\n')
        }
        await node.drain()
      } finally {
        await node.stop()
      }
    },
    { endsByInterrupt: true, goesOnUnheard: true },
  ),
)

interface VerifyCliOptions {
  source: string
  params?: string
  report?: string
  verify: VerifyLevel
  json?: boolean
}

interface EncodeCliOptions extends NetworkOptions {
  output?: string
  peers?: number
  params?: string
  preset?: Preset
  benchmark: boolean
  benchmarkSeconds?: number
  segmentTime?: number
  segmentRequest?: boolean
  exactly: boolean
  mixedBuilds?: boolean
  local?: boolean
  slots?: number
  wait: number
  report?: string
  verify?: VerifyLevel
  yes?: boolean
  quiet?: boolean
  verbose?: boolean
  color?: boolean
}

networkOptions(
  program
    .command('encode')
    .description('encode a file over the swarm')
    .argument('<input...>', 'the video file; or several, directories, quoted patterns')
    .option(
      '-o, --output <file>',
      'default: INPUT.ffswarm.EXT beside the input; of several inputs the directory for all',
      fileName,
    )
    .option('--peers <n>', 'wait for so many other nodes first', nonNegativeInteger)
    .option('--wait <seconds>', 'how long to wait for them', positiveNumber, WAIT_SECONDS_DEFAULT)
    .option('--params <params>', 'FFmpeg output options (default: "-c:v libx264 -preset fast")')
    .addOption(
      new Option('--preset <name>', "tried params by their name: 'ffswarm presets' shows them")
        .choices(PRESETS.map(({ name }) => name))
        .argParser(preset)
        .conflicts('params'),
    )
    .option(
      '--benchmark-seconds <s>',
      "film seconds of a node's first segment, which measures it",
      positiveNumber,
    )
    .option('--no-benchmark', 'take all nodes for equal at first')
    .option('--segment-time <s>', 'length of every segment, instead of by speed', positiveNumber)
    .option('--segment-request', 'segments of one length, each when a node asks for it')
    .addOption(new Option('--no-segment-request').hideHelp())
    .addOption(new Option('--exactly', 'cut near keyframes (default)').default(true).hideHelp())
    .option('--no-exactly', 'cut by time, without looking for keyframes; the result is as exact')
    .option('--mixed-builds', 'use nodes whose encoder builds make other parameter sets too')
    .addOption(new Option('--no-mixed-builds').hideHelp())
    .option('--local', 'encode on this node even if a worker runs on this machine')
    .option('--no-local', 'leave the encoding to the others')
    .option('--slots <n>', 'segments to encode here at once', positiveInteger)
    .addOption(sandboxOption())
    .option('--report <file>', 'write a report on the job there: a page (.html), or JSON', reportName)
    .addOption(
      verifyLevel(
        'how to check the output: its times, or its pictures too (default: times; full for a page)',
      ),
    )
    .option('-y, --yes', 'replace an existing output')
    .option('-q, --quiet', 'say nothing but errors')
    .option('-v, --verbose', 'tell each step of each segment, a line each')
    .option('--no-color', 'without colours, as with NO_COLOR in the environment'),
).action((inputs: string[], options: EncodeCliOptions) =>
  main(
    options,
    async (signal, swarm) => {
      if (await swarm.isBatch(inputs)) return await encodeSeveral(inputs, options, signal, swarm)
      const [input = ''] = inputs
      const outputPath = await swarm.outputFor(input, options.output, options.preset?.extension)
      await checkLogFile(options, (log) => swarm.refuseLogFile(log, [input, outputPath]))
      const request = encodeRequest(input, outputPath, options)
      await asCoordinator(options, signal, swarm, (node) => encodeTold(node, request, options, signal, swarm))
    },
    { goesOnUnheard: true },
  ),
)

/** One swarm for all of them, and a line for each. */
async function encodeSeveral(
  inputs: readonly string[],
  options: EncodeCliOptions,
  signal: AbortSignal,
  swarm: Swarm,
): Promise<void> {
  if (options.report !== undefined) throw new swarm.JobError({ code: 'REPORT_OF_SEVERAL' })
  const files = await swarm.planBatch(inputs, {
    outputDirectory: options.output,
    extension: options.preset?.extension,
  })
  const paths = files.flatMap(({ inputPath, outputPath }) => [inputPath, outputPath])
  await checkLogFile(options, (log) => swarm.refuseLogFile(log, paths))
  const log = logOf(options)
  const counts = { begun: 0, done: 0, failed: 0, skipped: 0 }
  const tell = (event: FileEvent) => {
    log(event)
    counts[event.state]++
    if (options.json) json(event)
    else if (!options.quiet || event.state === 'failed') err(`${fileText(event)}\n`)
  }
  await asCoordinator(options, signal, swarm, async (node) => {
    const failure = await swarm.encodeBatch(files, {
      ...{ overwrite: options.yes === true, signal, tell },
      encode: ({ inputPath, outputPath }, turn) =>
        encodeTold(node, encodeRequest(inputPath, outputPath, options), options, signal, swarm, turn),
    })
    const { done, failed, skipped } = counts
    if (!options.json && !options.quiet) {
      err(
        `${files.length} files: ${done} done${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} there already` : ''}\n`,
      )
    }
    if (failure !== undefined) throw failure
  })
}

interface StreamCliOptions extends NetworkOptions {
  out: string
  delay: number | 'auto'
  params?: string
  fallbackParams?: string
  serve?: true | { host: string; port: number }
  streamParams: string
  inputParams?: string
  realtime?: boolean
  reconnect?: boolean
  peers?: number
  wait: number
  local?: boolean
  slots?: number
  quiet?: boolean
}

networkOptions(
  program
    .command('stream')
    .description('encode a live film over the swarm, on air a fixed time later (HLS)')
    .argument('<input>', 'a file, an address that ffmpeg reads, a device, or - for standard input')
    .requiredOption('--out <dir>', 'the directory for segments and playlists', fileName)
    .option(
      '--delay <seconds>',
      'from a picture’s coming in to its being on air; auto: the least that is safe',
      delaySeconds,
      30,
    )
    .option(
      '--params <params>',
      'FFmpeg options of the encoders (default: "-c:v libx264 -preset fast -c:a aac")',
    )
    .option(
      '--serve [address]',
      'let browsers on: HOST:PORT (default: 127.0.0.1:8080), until Ctrl-C',
      serveAddress,
    )
    .option('--fallback-params <params>', 'faster ones, for what would be late otherwise')
    .option('--stream-params <params>', 'FFmpeg’s HLS options, such as "-hls_time 6 -hls_list_size 10"', '')
    .option('--input-params <params>', 'FFmpeg options in front of the input, such as "-f v4l2"')
    .option('--realtime', 'take a file in as fast as it is played')
    .option('--reconnect', 'wait for an input that ends, and take it in again')
    .option('--peers <n>', 'wait for so many other nodes first', nonNegativeInteger)
    .option('--wait <seconds>', 'how long to wait for them', positiveNumber, WAIT_SECONDS_DEFAULT)
    .option('--local', 'encode on this node even if a worker runs on this machine')
    .option('--no-local', 'leave the encoding to the others, but for what would be late')
    .option('--slots <n>', 'pieces to encode here at once', positiveInteger)
    .addOption(sandboxOption())
    .option('-q, --quiet', 'say nothing but errors'),
).action((input: string, options: StreamCliOptions) =>
  main(
    options,
    async (signal, swarm) => {
      const log = logOf(options)
      const tell = liveReporter(err, () => performance.now())
      const emit = (event: LiveEvent) => {
        log(event)
        if (options.json) json(event)
        else if (!options.quiet) tell(event)
      }
      const request = swarm.readStreamRequest(input, {
        ...options,
        output: options.out,
        local: options.local === undefined ? 'auto' : options.local ? 'always' : 'never',
      })
      await asCoordinator(options, signal, swarm, async (node) => {
        const server = options.serve === undefined ? undefined : await serve(options.serve, options, swarm)
        try {
          emit(await swarm.stream(node, request, { signal, emit, stdin: process.stdin }))
          // Players are behind.
          if (server !== undefined) await aborted(signal)
        } finally {
          await server?.close()
        }
      })
    },
    { goesOnUnheard: true, endsByInterrupt: options.serve !== undefined },
  ),
)

async function serve(
  address: true | { host: string; port: number },
  { out: directory, json: asJson, quiet }: StreamCliOptions,
  { serveStream }: Swarm,
) {
  const player = await readFile(new URL('./player.js', import.meta.url))
  const server = await serveStream(directory, address === true ? SERVE_DEFAULT : address, player)
  if (asJson) json({ event: 'serving', url: server.url })
  else if (!quiet) err(`  to be seen at ${server.url}\n`)
  return server
}

const SERVE_DEFAULT = { host: '127.0.0.1', port: 8080 }

interface ResumeCliOptions extends NetworkOptions {
  output?: string
  report?: string
  yes?: boolean
  slots?: number
  quiet?: boolean
  verbose?: boolean
  color?: boolean
}

networkOptions(
  program
    .command('resume')
    .description('go on with a job that was interrupted: its finished segments are not encoded again')
    .argument('[job]', "as 'ffswarm jobs' lists it; default: the only one")
    .option('-o, --output <file>', 'another place for the output, of the same kind', fileName)
    .option('--report <file>', 'another place for the report on the job', reportName)
    .option('-y, --yes', 'replace an existing output')
    .option('--slots <n>', 'segments to encode here at once', positiveInteger)
    .addOption(sandboxOption())
    .option('-q, --quiet', 'say nothing but errors')
    .option('-v, --verbose', 'tell each step of each segment, a line each')
    .option('--no-color', 'without colours, as with NO_COLOR in the environment'),
).action((id: string | undefined, options: ResumeCliOptions) =>
  main(
    options,
    async (signal, swarm) => {
      const dataDir = await swarm.openDataDir(options.dataDir, swarm.surroundings().env)
      const request = swarm.resumeRequest(await swarm.findJob(dataDir, id, { signal }), {
        outputPath: options.output,
        reportPath: options.report,
        overwrite: options.yes === true,
      })
      await asCoordinator(options, signal, swarm, (node) => encodeTold(node, request, options, signal, swarm))
    },
    { goesOnUnheard: true },
  ),
)

program
  .command('completion')
  .description('what a shell completes command lines with')
  .addArgument(new Argument('<shell>').choices(SHELLS))
  .action((shell: Shell) => out(SCRIPTS[shell]))

program
  .command('complete', { hidden: true })
  .argument('[words...]')
  .action((words: string[]) => out(completionLines(complete(program, words))))

program
  .command('presets')
  .description('tried params by name, in full')
  .option('--json', 'one JSON object a line')
  .action((options: { json?: boolean }) => {
    if (options.json) for (const known of PRESETS) json(known)
    else out(presetsText(PRESETS))
  })

program
  .command('config')
  .description('what files and the environment set for all calls, and where they lie')
  .option('--example', 'a file to begin with')
  .option('--json', 'one JSON object a line')
  .action((options: { example?: boolean; json?: boolean }) =>
    main(options, async () => {
      if (options.example) return out(CONFIG_EXAMPLE)
      const known = knownSettings(program.commands)
      if (!options.json) return out(configText(config, known))
      for (const { path, of } of config.files) json({ event: 'file', path, of })
      for (const setting of known) json({ event: 'setting', ...setting })
    }),
  )

/** @throws ConfigError */
function knownSettings(commands: readonly CommandType[]): Known[] {
  if (configError !== undefined) throw configError
  const refuse = (path: string, setting: string, detail: string): never => {
    throw new ConfigError({ code: 'CONFIG_INVALID', path, setting, detail })
  }
  checkSettings(program, config.files, refuse)
  return commands.flatMap((command) => settingsFor(command, config, process.env, refuse))
}

program.hook('preAction', async (_program, command) => {
  if (settingsOf(command).size === 0) return
  try {
    applySettings(command, knownSettings([command]))
  } catch (error) {
    await main(command.opts(), () => Promise.reject(error))
    throw new CommanderError(2, 'ffswarm.settings', '')
  }
})

program
  .command('jobs')
  .description('jobs that were interrupted on this machine, and what they keep')
  .option('--discard <job>', 'remove what it keeps', fileName)
  .option('--data-dir <dir>', 'where it lies (default: $FFSWARM_HOME or the XDG data directory)')
  .option('--json', 'one JSON object a line')
  .action((options: { discard?: string; dataDir?: string; json?: boolean }) =>
    main(options, async (signal, { discardJob, listJobs, openDataDir, surroundings }) => {
      const dataDir = await openDataDir(options.dataDir, surroundings().env)
      if (options.discard !== undefined) {
        const { id, segments, request } = await discardJob(dataDir, options.discard, { signal })
        if (options.json) json({ event: 'discarded', job: id, segments })
        else
          out(
            `job ${id}${request === undefined ? '' : ` (${request.outputPath})`} is discarded: ${segments} segments\n`,
          )
        return
      }
      const jobs = await listJobs(dataDir, { signal })
      if (options.json) for (const job of jobs) json(job)
      else out(jobsTable(jobs))
    }),
  )

program
  .command('report')
  .description('what became of earlier jobs of this machine, and a page on one of them')
  .argument('[job]', 'of the list; or a report in JSON')
  .option('-o, --output <file>', 'where to write it: a page (.html), or JSON; - is standard output', fileName)
  .option('-y, --yes', 'replace an existing file')
  .option('--data-dir <dir>', 'where they lie (default: $FFSWARM_HOME or the XDG data directory)')
  .option('--json', 'one JSON object a line')
  .action((id: string | undefined, options: ReportCliOptions) =>
    main(options, async (_signal, swarm) => {
      const { findReport, listReports, openDataDir, reserveReport, surroundings, withReport } = swarm
      const dataDir = await openDataDir(options.dataDir, surroundings().env)
      if (id === undefined) {
        const reports = (await listReports(dataDir)).map(reportRow)
        if (options.json) for (const row of reports) json(row)
        else out(reportsTable(reports))
        return
      }
      const { id: name, report } = await findReport(dataDir, id)
      const path = options.output ?? `${name}.html`
      const text = reportText(path === '-' ? `${name}.html` : path, report, withReport)
      if (path === '-') return out(text)
      const file = await reserveReport(path, [], { overwrite: options.yes === true, option: '-o' })
      await file.write(text)
      if (options.json) json({ event: 'report', job: name, path })
      else out(`${path}\n`)
    }),
  )

interface ReportCliOptions {
  output?: string
  yes?: boolean
  dataDir?: string
  json?: boolean
}

networkOptions(
  program
    .command('peers')
    .description('who is on the network')
    .option('--timeout <s>', 'how long to look', positiveNumber, 3)
    .option('--watch', 'look again every two seconds until Ctrl-C'),
).action((options: NetworkOptions & { timeout: number; watch?: boolean }) =>
  main(
    options,
    async (signal, { createNode, peerRow, surroundings }) => {
      const node = await createNode(nodeInit('observer', options), surroundings(), { signal })
      try {
        await sleep(options.timeout * 1000, signal)
        do {
          await node.membership.refresh({ signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) })
          const rows = node.membership.peers.filter(({ hello }) => hello.role !== 'observer').map(peerRow)
          if (options.json) {
            if (options.watch) json({ event: 'peers', peers: rows })
            else for (const row of rows) json(row)
          } else {
            if (options.watch && process.stdout.isTTY) out('\x1b[2J\x1b[H')
            out(peersTable(rows))
          }
          if (options.watch) await sleep(2_000, signal)
        } while (options.watch)
      } finally {
        await node.stop()
      }
    },
    { endsByInterrupt: options.watch === true },
  ),
)

networkOptions(
  program
    .command('benchmark')
    .description('how fast this node and the others encode a test pattern with given params')
    .option('--params <params>', 'FFmpeg video options (default: "-c:v libx264 -preset fast")')
    .option('--seconds <s>', 'how long each encodes', positiveNumber, 5)
    .option('--size <size>', 'of the picture, WIDTHxHEIGHT (default: 1280x720)', pictureSize)
    .option('--timeout <s>', 'how long to look for others', positiveNumber, 3),
).action(
  (
    options: NetworkOptions & {
      params?: string
      seconds: number
      size?: { width: number; height: number }
      timeout: number
    },
  ) =>
    main(options, async (signal, { benchmarkSwarm, createNode, surroundings }) => {
      const node = await createNode(nodeInit('observer', options), surroundings(), { signal })
      try {
        await sleep(options.timeout * 1000, signal)
        const rows = await benchmarkSwarm(
          node,
          {
            params: options.params,
            seconds: options.seconds,
            ...(options.size ?? { width: 1280, height: 720 }),
          },
          { signal },
        )
        if (options.json) for (const row of rows) json(row)
        else out(benchmarkTable(rows))
      } finally {
        await node.stop()
      }
    }),
)

program
  .command('verify')
  .description('whether a file is exactly what its source and the params make, whoever made it')
  .argument('<output>', 'the file')
  .requiredOption('--source <input>', 'what it was made of')
  .option('--params <params>', 'the FFmpeg output options that it was made with')
  .option('--report <file>', 'what ffswarm encode --report has written: tells params and seams')
  .addOption(verifyLevel('what to check: the times, or the pictures too').default('full'))
  .option('--json', 'one JSON object on standard output')
  .action((output: string, options: VerifyCliOptions) =>
    main(options, async (signal, { surroundings, verifyFile }) => {
      const verification = await verifyFile(
        surroundings(),
        {
          outputPath: output,
          sourcePath: options.source,
          params: options.params,
          reportPath: options.report,
          level: options.verify,
        },
        { signal },
      )
      if (options.json) json(verification)
      else out(verificationText(verification))
      if (verification.verdict !== 'exact') process.exitCode = 1
    }),
  )

networkOptions(
  program
    .command('doctor')
    .description('what this machine has for encoding in a swarm, and what is missing')
    .option('--timeout <s>', 'how long to look for others', positiveNumber, 3),
).action((options: NetworkOptions & { timeout: number }) =>
  main(options, async (signal, { doctor, surroundings }) => {
    const { role: _, ...init } = nodeInit('observer', options)
    const checks = await doctor(surroundings(), { signal, init, seconds: options.timeout })
    if (options.json) for (const check of checks) json(check)
    else out(checksTable(checks))
    if (checks.some(({ state }) => state === 'error')) process.exitCode = 3
  }),
)

interface PairCliOptions {
  name: string
  listen?: string[]
  port?: number
  connect?: string[]
  mdns: boolean
  dataDir?: string
  list?: boolean
  forget?: string
  yes?: boolean
  json?: boolean
}

placeOptions(
  program
    .command('pair')
    .description('let another machine into this swarm by a short code: shown here, typed there')
    .argument('[code]', 'what the other machine shows; without it, this one shows one')
    .option('--list', 'the machines that were paired with this one')
    .option('--forget <machine>', 'a name or a PeerId: it is not let in by --allow paired any more')
    .option('-y, --yes', 'replace the key of another swarm that is stored here')
    .option('--json', 'one JSON object a line'),
).action((code: string | undefined, options: PairCliOptions) =>
  main(
    options,
    async (
      signal,
      { forgetPaired, NetworkError, openDataDir, readPaired, showCode, surroundings, typeCode },
    ) => {
      const dataDir = await openDataDir(options.dataDir, surroundings().env)
      if (options.list || options.forget !== undefined) {
        const { forget } = options
        const machines =
          forget === undefined ? await readPaired(dataDir) : await forgetPaired(dataDir, forget)
        for (const machine of machines) tellMachine(machine, options.json)
        if (forget !== undefined && machines.length === 0)
          throw new NetworkError({ code: 'PAIRED_UNKNOWN', machine: forget })
        return
      }
      const { listen, connect, mdns, name } = nodeInit('observer', options)
      const common = { dataDir, name, listen, connect: connect ?? [], mdns: mdns !== false, signal }
      const machine =
        code === undefined
          ? await showCode(common, (text, addresses) => {
              if (options.json) json({ event: 'code', code: text, addresses })
              else {
                out(`on the other machine: ffswarm pair ${text}\n`)
                err(`  it is good for ten minutes, and once; where that machine does not find this one:\n`)
                for (const address of addresses) err(`  --connect ${address}\n`)
                if (addresses.length === 0)
                  err(
                    'warning: no network interface is up here, so that no other machine can reach this one\n',
                  )
              }
            })
          : await typeCode(common, code, { replaceKey: options.yes === true })
      tellMachine(machine, options.json)
      if (!options.json)
        err("both have the key of one swarm now; 'ffswarm join' and 'ffswarm encode' use it\n")
    },
  ),
)

function tellMachine({ name, peers }: PairedMachine, asJson = false): void {
  if (asJson) json({ event: 'paired', name, peers })
  else out(`paired: ${name} (${peers.map((peer) => `…${peer.slice(-8)}`).join(', ')})\n`)
}

interface KeyCliOptions {
  dataDir?: string
  yes?: boolean
}

const key = program.command('key').description("the key of a closed swarm, stored for this user's nodes")

keyCommand('new', 'make one, store it and print it: set it on the other machines')
  .option('-y, --yes', 'replace the one that is stored')
  .action((options: KeyCliOptions) =>
    main({}, async (_signal, { newKey, openDataDir, storeKey, surroundings }) => {
      const dataDir = await openDataDir(options.dataDir, surroundings().env)
      const made = newKey()
      await storeKey(dataDir, made, { overwrite: options.yes === true })
      out(`${made}\n`)
      err(
        "stored for this user's nodes, which let in whoever has it: run 'ffswarm key set' on the other machines\n",
      )
    }),
  )

keyCommand('set', 'store the one that is typed, or comes by a pipe').action((options: KeyCliOptions) =>
  main({}, async (signal, { openDataDir, parseKey, storeKey, surroundings }) => {
    const dataDir = await openDataDir(options.dataDir, surroundings().env)
    const typed = await readSecret(process.stdin, process.stderr, { prompt: 'key: ', signal })
    await storeKey(dataDir, parseKey(typed), { overwrite: true })
    err("stored for this user's nodes\n")
  }),
)

keyCommand('show', 'print the one that is stored').action((options: KeyCliOptions) =>
  main({}, async (_signal, { NetworkError, openDataDir, readStoredKey, surroundings }) => {
    const stored = await readStoredKey(await openDataDir(options.dataDir, surroundings().env))
    if (stored === undefined) throw new NetworkError({ code: 'KEY_MISSING' })
    out(`${stored}\n`)
  }),
)

keyCommand('clear', 'remove the one that is stored: the swarm is open').action((options: KeyCliOptions) =>
  main({}, async (_signal, { clearKey, openDataDir, surroundings }) => {
    const isRemoved = await clearKey(await openDataDir(options.dataDir, surroundings().env))
    err(isRemoved ? 'removed\n' : 'none was stored\n')
  }),
)

function keyCommand(name: string, description: string): CommandType {
  return key
    .command(name)
    .description(description)
    .option('--data-dir <dir>', 'where it lies (default: $FFSWARM_HOME or the XDG data directory)')
}

function sandboxOption(): Option {
  const text = 'whether ffmpeg works on the data of others in a sandbox'
  return new Option('--sandbox <mode>', text).choices(['auto', 'require', 'off']).default('auto')
}

function verifyLevel(description: string): Option {
  return new Option('--verify <level>', description).choices(['times', 'full'])
}

function networkOptions(command: CommandType): CommandType {
  return placeOptions(command)
    .option('--swarm <name>', 'nodes of other swarms are not seen')
    .option(
      '--key <key>',
      "only nodes with the same get in; better in $FFSWARM_KEY, or stored by 'ffswarm key'; none: open",
    )
    .option(
      '--allow <peerid>',
      'nobody else gets in; paired: the machines of ffswarm pair; may be given more than once',
      collect,
    )
    .option('--deny <peerid>', 'it does not get in; may be given more than once', collect)
    .option('--log-file <file>', 'append what happens there, one JSON object a line', fileName)
    .option('--json', 'one JSON object a line on standard output')
}

/** Where a node is and how it is found. */
function placeOptions(command: CommandType): CommandType {
  return command
    .option('--name <name>', 'what others see', hostname().split('.')[0] ?? 'node')
    .option('--listen <multiaddr>', 'where to listen; may be given more than once', collect)
    .addOption(new Option('--port <port>', 'TCP port on all interfaces').argParser(port).conflicts('listen'))
    .option(
      '--connect <address>',
      'a node to dial: HOST:PORT or a multiaddr; may be given more than once',
      collect,
    )
    .option('--no-mdns', 'neither look for nodes nor be found by multicast DNS')
    .option('--data-dir <dir>', 'identity and work files (default: $FFSWARM_HOME or the XDG data directory)')
}

function nodeInit(role: NodeInit['role'], options: NetworkOptions): NodeInit {
  return {
    role,
    name: options.name.slice(0, 64),
    swarm: options.swarm,
    key: options.key ?? FFSWARM_KEY,
    allow: options.allow,
    deny: options.deny,
    listen: options.listen ?? (options.port === undefined ? undefined : [`/ip4/0.0.0.0/tcp/${options.port}`]),
    connect: options.connect,
    mdns: options.mdns,
    dataDir: options.dataDir,
    sandbox: options.sandbox,
  }
}

const PULLED_SECONDS_DEFAULT = 10

function encodeRequest(inputPath: string, outputPath: string, options: EncodeCliOptions): EncodeRequest {
  const isPull = options.segmentRequest === true
  return {
    inputPath,
    outputPath,
    params: options.params ?? options.preset?.params,
    mixedBuilds: options.mixedBuilds,
    overwrite: options.yes === true,
    peers: options.peers,
    waitSeconds: options.wait,
    benchmarkSeconds:
      options.benchmark && !isPull ? (options.benchmarkSeconds ?? BENCHMARK_SECONDS_DEFAULT) : undefined,
    segmentSeconds: options.segmentTime ?? (isPull ? PULLED_SECONDS_DEFAULT : undefined),
    isPull,
    atKeyframes: options.exactly,
    local: options.local === undefined ? 'auto' : options.local ? 'always' : 'never',
    // A page shows how good the pictures are.
    verify: options.verify ?? (isPage(options.report ?? '') ? 'full' : 'times'),
    reportPath: options.report,
  }
}

/** A coordinator for as long as it is used. */
async function asCoordinator(
  options: NetworkOptions & { slots?: number; quiet?: boolean },
  signal: AbortSignal,
  { createNode, surroundings }: Swarm,
  use: (node: SwarmNode) => Promise<void>,
): Promise<void> {
  const init = { ...nodeInit('coordinator', options), slots: options.slots }
  const node = await createNode(init, surroundings(), { signal })
  try {
    tellOpen(node, options)
    await use(node)
  } finally {
    await node.stop()
  }
}

/** One job as it is told to whoever reads. */
async function encodeTold(
  node: SwarmNode,
  request: EncodeRequest,
  options: TellingOptions,
  signal: AbortSignal,
  { encode, withReport }: Swarm,
  turn: Turn = ALONE,
): Promise<void> {
  let told: Reporter | undefined
  const emit = (event: JobEvent) => {
    turn.say(() => {
      told ??= reporter(options)
      told.take(event)
    }, event.event === 'progress')
  }
  try {
    await encode(node, request, {
      ...{ signal, emit, onEncoded: turn.onEncoded },
      writeReport: (path, report) => reportText(path, report, withReport),
    })
    const { reportPath } = request
    if (reportPath !== undefined && !options.json && !options.quiet)
      err(`  the report on it: ${printable(reportPath)}\n`)
  } finally {
    turn.say(() => told?.close())
  }
}

const ALONE: Turn = { onEncoded() {}, say: (what) => what() }

interface TellingOptions {
  json?: boolean
  quiet?: boolean
  verbose?: boolean
  color?: boolean
  logFile?: string | undefined
}

function reporter(options: TellingOptions): Reporter {
  const log = logOf(options)
  const { take, close } = options.json ? { take: json, close: () => {} } : screen(options)
  return {
    take(event) {
      log(event)
      take(event)
    },
    close,
  }
}

function logOf({ logFile: path }: { logFile?: string | undefined }): (event: object) => void {
  if (path === undefined) return () => {}
  return logFile(
    path,
    () => new Date().toISOString(),
    (error) => err(`warning: --log-file: ${error instanceof Error ? error.message : error}\n`),
  )
}

function screen({ quiet, verbose, color }: TellingOptions): Reporter {
  const { env, platform, stderr: stream } = process
  return reporterFor({ stream, env, platform, quiet, verbose, color, now: () => performance.now() })
}

/** One line, for whoever reads them. */
function tellOpen({ isOpen }: { isOpen: boolean }, options: { json?: boolean; quiet?: boolean }): void {
  if (isOpen && !options.json && !options.quiet) err(`${OPEN}\n`)
}

function tellTask({ coordinator, task, state, frames, detail }: WorkerTaskEvent): void {
  const what = `segment ${task} for …${coordinator.slice(-8)}`
  out(
    `${what}: ${state}${frames === undefined ? '' : `, ${frames} frames`}${detail === undefined ? '' : `: ${detail}`}\n`,
  )
}

const OPEN =
  "open swarm: whoever is on this network can take part; 'ffswarm pair' or 'ffswarm key new' closes it"

const ROOT = 'warning: this node runs as root, which it has no need for: a user of its own would do'

function sandboxText({ kind, reason }: SwarmNode['sandbox']): string {
  return kind === undefined
    ? `ffmpeg runs without a sandbox: ${reason}`
    : `ffmpeg runs in a sandbox (${kind})`
}

const SAME_REQUEST_MS = 300

type Swarm = typeof import('./node/index.ts')

/**
 * Runs a command until it ends or is interrupted, and turns what it throws into one line and an exit code. The swarm's
 * modules take most of a second to load on a slow machine: help and slips of the pen do without.
 */
async function main(
  options: { json?: boolean; quiet?: boolean; logFile?: string | undefined },
  command: (signal: AbortSignal, swarm: Swarm) => Promise<void>,
  { endsByInterrupt = false, goesOnUnheard = false } = {},
): Promise<void> {
  const swarm = await import('./node/index.ts')
  const { exitCodeOf, failedEvent, Interrupted } = swarm
  const controller = new AbortController()
  let interruptedAt = 0
  const interrupt = () => {
    // The second time is in earnest, unless one request came twice: timeout(1) signals the process and then its group.
    if (controller.signal.aborted) {
      if (performance.now() - interruptedAt > SAME_REQUEST_MS) process.exit(130)
      return
    }
    interruptedAt = performance.now()
    controller.abort(new Interrupted())
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  // The terminal is closed, or the connection to it lost.
  process.on('SIGHUP', interrupt)
  for (const stream of [process.stdout, process.stderr]) {
    let hasFailed = false
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read our output is gone (`ffswarm … | head`): end in order, as for Ctrl-C.
      if (error.code === 'EPIPE') controller.abort(new Interrupted())
      else if (!hasFailed && stream === process.stdout) {
        err(`warning: standard output cannot be written (${error.message}): nothing more is told there\n`)
        if (!goesOnUnheard) process.exitCode = 1
      }
      hasFailed = true
    })
  }
  try {
    await checkLogFile(options, (log) => swarm.refuseLogFile(log, []))
    await command(controller.signal, swarm)
  } catch (error) {
    if (endsByInterrupt && controller.signal.aborted) return
    const failed = failedEvent(error)
    if (options.json) json(failed)
    logOf(options)(failed)
    err(`ffswarm: ${failed.message}\n`)
    if (failed.code === 'INTERNAL' && error instanceof Error) err(`${error.stack}\n`)
    process.exitCode = exitCodeOf(error)
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    process.off('SIGHUP', interrupt)
  }
}

/** Not even its own failure is told in a file that is no log. */
async function checkLogFile(
  options: { logFile?: string | undefined },
  check: (path: string) => Promise<void>,
): Promise<void> {
  const { logFile: path } = options
  if (path === undefined) return
  options.logFile = undefined
  await check(path)
  options.logFile = path
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

async function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, delayMs)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}

function preset(name: string): Preset {
  const found = PRESETS.find((known) => known.name === name)
  if (found !== undefined) return found
  throw new InvalidArgumentError(`there are ${PRESETS.map((known) => known.name).join(', ')}.`)
}

try {
  await program.parseAsync()
} catch (error) {
  // commander has said what is wrong; its own exit code for that is 1.
  const code = (error as { exitCode?: number }).exitCode
  process.exitCode = code === 0 ? 0 : 2
}
// Timers of closed connections would keep the process for another second; what was written must still get out.
// What became of it is told a moment later.
process.stdout.write('', () => process.stderr.write('', () => setImmediate(() => process.exit())))
