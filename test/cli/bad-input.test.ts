/** What a person can get wrong: each ends with one clear line, a documented exit code, and nothing lost. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliOptions, commandLines, LOOPBACK, runCli, startCli } from '../helpers/cli.ts'
import { ffmpeg, tools } from '../helpers/ffmpeg.ts'
import { onTmpfs, whyNoMounts } from '../helpers/mounts.ts'

const EXIT = { failed: 1, usage: 2, environment: 3, unfinished: 4 }

let directory = ''
let clip = ''
const inDirectory = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ffswarm-cli-'))
  clip = inDirectory('clip.mp4')
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=3', '-c:v', 'libx264', '-g', '25', clip],
  )
})
afterAll(async () => await rm(directory, { recursive: true, force: true }))

interface Failure {
  code: string
  message: string
}

/** Runs an encode that must fail, and checks that it does so in one line and leaves nothing behind. */
async function failure(
  args: readonly string[],
  exitCode: number,
  options: CliOptions & { home?: string } = {},
): Promise<Failure> {
  const home = options.home ?? inDirectory('home')
  const before = existsSync(directory) ? readdirSync(directory) : []
  const ended = await runCli(['encode', '--json', ...LOOPBACK, ...args], {
    ...options,
    env: { FFSWARM_HOME: home, ...options.env },
  })
  const last = ended.stdout.trim().split('\n').at(-1) ?? ''
  const event = JSON.parse(last || '{}') as { event?: string } & Failure
  expect(ended.stderr, 'one line for people').toBe(`ffswarm: ${event.message}\n`)
  expect(event.message, 'in one line').not.toMatch(/[\r\n]/)
  expect(event.event).toBe('failed')
  expect(ended.exitCode).toBe(exitCode)
  const after = readdirSync(directory).filter((name) => !name.endsWith('.left') && !before.includes(name))
  expect(
    after.filter((name) => name !== 'home'),
    'left behind',
  ).toEqual([])
  const work = join(home, 'work')
  expect(existsSync(work) ? readdirSync(work) : [], 'in the work directory').toEqual([])
  return event
}

const codeOf = async (...parameters: Parameters<typeof failure>) => (await failure(...parameters)).code

describe('the input', () => {
  test('that does not exist is named', async () => {
    const { code, message } = await failure([inDirectory('none.mp4')], EXIT.failed)
    expect(code).toBe('INPUT_MISSING')
    expect(message).toContain(inDirectory('none.mp4'))
  })

  test('may be no directory that is to become one file, or that has no films', async () => {
    expect(await codeOf([directory, '-o', inDirectory('out.mp4')], EXIT.usage)).toBe(
      'OUTPUT_DIRECTORY_WANTED',
    )
    await mkdir(inDirectory('empty.left'))
    expect(await codeOf([inDirectory('empty.left')], EXIT.failed)).toBe('INPUTS_NONE')
  })

  test.skipIf(process.platform === 'win32')('may be no pipe, and nobody waits for one', async () => {
    const path = inDirectory('pipe.mp4')
    execFileSync('mkfifo', [path])
    expect(await failure([path], EXIT.failed)).toMatchObject({ code: 'INPUT_NOT_A_FILE' })
    await rm(path)
  })

  test('may not be empty', async () => {
    await writeFile(inDirectory('empty.mp4'), '')
    expect(await codeOf([inDirectory('empty.mp4')], EXIT.failed)).toBe('INPUT_EMPTY')
  })

  test('may be no text', async () => {
    await writeFile(inDirectory('letter.mp4'), 'Dear Sir or Madam,\n\nthis is no film.\n'.repeat(50))
    expect(await codeOf([inDirectory('letter.mp4')], EXIT.failed)).toBe('INPUT_UNREADABLE')
  })

  test('may be no text under a text’s name, which ffmpeg would draw as a film', async () => {
    await writeFile(inDirectory('letter.txt'), 'Dear Sir or Madam,\n\nthis is no film.\n'.repeat(50))
    const args = [inDirectory('letter.txt'), '-o', inDirectory('letter.mkv')]
    expect(await codeOf(args, EXIT.failed)).toBe('INPUT_UNREADABLE')
  })

  test('may be no list of other files', async () => {
    await writeFile(inDirectory('list.ffconcat'), `ffconcat version 1.0\nfile clip.mp4\n`)
    const args = [inDirectory('list.ffconcat'), '-o', inDirectory('list.mkv')]
    expect(await codeOf(args, EXIT.failed)).toBe('INPUT_UNREADABLE')
  })

  test.each([
    ['a picture', 'picture.png', 'ffmpeg -i'],
    ['a playlist', 'list.m3u8', 'ffmpeg -i'],
    ['subtitles', 'words.srt', 'ffmpeg itself'],
    ['zeros', 'zeros.mp4', 'cannot be read'],
  ])('may not be %s', async (_, name, remedy) => {
    const path = inDirectory(name)
    if (name.endsWith('.png')) await ffmpeg('-i', clip, '-frames:v', '1', path)
    else if (name.endsWith('.m3u8')) {
      await ffmpeg(
        '-i',
        clip,
        '-c',
        'copy',
        '-f',
        'hls',
        '-hls_segment_filename',
        inDirectory('s%d.ts'),
        path,
      )
    } else if (name.endsWith('.srt')) await writeFile(path, '1\n00:00:01,000 --> 00:00:02,000\nHello\n')
    else await writeFile(path, Buffer.alloc(100_000))
    const { code, message } = await failure([path, '-o', inDirectory('refused.mkv')], EXIT.failed)
    expect(['INPUT_UNREADABLE', 'INPUT_WITHOUT_VIDEO']).toContain(code)
    expect(message).toContain(remedy)
  })

  test.each([
    ['-', 'write it to a file'],
    ['https://example.org/film.mp4', 'download it'],
    ['lavfi:testsrc', 'one video file'],
    ['film-%03d.png', 'ffmpeg -i'],
    ['/dev/null', 'write it to a file'],
    ['no\nsuch.mp4', 'no\\nsuch.mp4'],
  ])('may not be %j, and the line says what to do', async (name, remedy) => {
    const args = ['-o', inDirectory('refused.mkv'), '--', name]
    const { code, message } = await failure(args, EXIT.failed)
    expect(['INPUT_MISSING', 'INPUT_NOT_A_FILE']).toContain(code)
    expect(message).toContain(remedy)
  })

  test('may be no mp4 whose end, with its index, is missing', async () => {
    const cut = inDirectory('cut.mp4')
    await writeFile(cut, readFileSync(clip))
    await truncate(cut, 20_000)
    expect(await codeOf([cut], EXIT.failed)).toBe('INPUT_UNREADABLE')
  })

  test('may be no transport stream whose clock starts again', async () => {
    const part = inDirectory('part.ts')
    await ffmpeg('-i', clip, '-c', 'copy', part)
    const [twice, bytes] = [inDirectory('twice.ts'), readFileSync(part)]
    await writeFile(twice, Buffer.concat([bytes, bytes]))
    const { code, message } = await failure([twice, '-o', inDirectory('twice.mp4')], EXIT.failed)
    expect(code).toBe('INPUT_CLOCK_JUMPS')
    expect(message).toContain('ffmpeg -i')
  })

  test('may not be without video', async () => {
    const sound = inDirectory('sound.m4a')
    await ffmpeg('-f', 'lavfi', '-i', 'sine=duration=1', '-c:a', 'aac', sound)
    expect(await codeOf([sound, '-o', inDirectory('sound.mp4')], EXIT.failed)).toBe('INPUT_WITHOUT_VIDEO')
  })
})

test('what is still being found out ends before a refused job does', async () => {
  const output = inDirectory('to-the-input.mp4')
  await symlink(clip, output)
  // It goes on writing beside what it makes, as long as it is let.
  const slow = inDirectory('slow-ffmpeg')
  const script = [
    '#!/bin/sh',
    'case "$*" in *preflight.matroska*)',
    '  for place in "$@"; do :; done',
    '  cd "$(dirname "$(echo "$place" | cut -d: -f2-)")"',
    '  at=0; while [ $at -lt 200000 ]; do at=$((at+1)); : > "more-$at"; done ;;',
    'esac',
    `exec ${tools.ffmpeg.path} "$@"`,
  ]
  await writeFile(slow, script.join('\n'), { mode: 0o755 })
  const args = [clip, '-o', output, '-y']
  expect(await codeOf(args, EXIT.failed, { env: { FFSWARM_FFMPEG: slow } })).toBe('OUTPUT_IS_INPUT')
  expect([...commandLines().values()].flat()).not.toContain(slow)
  await rm(output)
})

describe('the params', () => {
  const withParams = (params: string, exitCode: number) =>
    failure([clip, '-o', inDirectory('out.mp4'), '--params', params], exitCode)

  test('may name no encoder that this ffmpeg lacks', async () => {
    const { code, message } = await withParams('-c:v libx269', EXIT.failed)
    expect(code).toBe('ENCODER_MISSING')
    expect(message).toContain('libx269')
  })

  test.each([
    ['words', 'make it nice'],
    ['an unknown option', '-c:v libx264 -frobnicate 3'],
    ['an open quote', '-c:v "libx264'],
    ['an option without its value', '-c:v libx264 -crf'],
    ['an option that ffswarm sets itself', '-c:v libx264 -f matroska'],
    ['a filter that needs the whole film', '-c:v libx264 -vf reverse'],
  ])('may not be %s', async (_, params) => {
    expect((await withParams(params, EXIT.usage)).code).toBe('PARAMS_INVALID')
  })

  test.each([
    ['a value that is no number', '-c:v libx264 -crf nice'],
    ['a value that the encoder refuses', '-c:v libx264 -profile:v nonsense'],
    ['a filter’s unknown option', '-c:v libx264 -vf scale=frobnicate=3'],
  ])('with %s are refused in ffmpeg’s words before any work', async (_, params) => {
    expect((await withParams(params, EXIT.failed)).code).toBe('PARAMS_REJECTED')
  })

  test('may not move the whole film to where its container hides it', async () => {
    const { code, message } = await withParams('-c:v libx264 -vf setpts=PTS-10/TB', EXIT.failed)
    expect(code).toBe('FILM_TIMES')
    expect(message).toContain('setpts=PTS-STARTPTS')
  })

  test.each([
    ['-c:a aac -ar 7', 'PARAMS_REJECTED'],
    ['-af nonsense', 'PARAMS_REJECTED'],
    ['-c:a wmav2', 'OUTPUT_REJECTED'],
    ['-c:a copy -af volume=2', 'PARAMS_REJECTED'],
    ['-disposition:a bogus', 'PARAMS_REJECTED'],
    ['-metadata:z title=x', 'PARAMS_REJECTED'],
  ])('for a track, %s, are an error: it is not left out silently', async (params, expected) => {
    const heard = inDirectory('heard.mkv')
    await ffmpeg('-i', clip, '-f', 'lavfi', '-i', 'sine=duration=3', '-c:v', 'copy', '-c:a', 'flac', heard)
    const args = [heard, '-o', inDirectory('heard.webm'), '--params', `-c:v libvpx-vp9 ${params}`]
    expect(await codeOf(args, EXIT.failed)).toBe(expected)
  })
})

describe('the output', () => {
  test('needs its directory', async () => {
    const { code, message } = await failure([clip, '-o', inDirectory('none/out.mp4')], EXIT.failed)
    expect(code).toBe('OUTPUT_DIRECTORY_MISSING')
    expect(message).toContain(inDirectory('none'))
  })

  test('may have no file for a directory', async () => {
    expect(await codeOf([clip, '-o', join(clip, 'out.mp4')], EXIT.failed)).toBe('OUTPUT_DIRECTORY_MISSING')
  })

  test('may be no directory', async () => {
    await mkdir(inDirectory('folder.mp4'))
    expect(await codeOf([clip, '-o', inDirectory('folder.mp4'), '-y'], EXIT.failed)).toBe(
      'OUTPUT_IS_DIRECTORY',
    )
  })

  test('has a name that says its format', async () => {
    expect(await codeOf([clip, '-o', inDirectory('out.xyz')], EXIT.usage)).toBe('OUTPUT_FORMAT')
  })

  test.each([
    ['mp4', '-c:v ffv1', 'OUTPUT_REJECTED', ['ffv1', '.mkv']],
    ['webm', '-c:v libx264', 'OUTPUT_REJECTED', ['libx264', '.mkv']],
    ['ts', '-c:v ffv1', 'OUTPUT_REJECTED', ['ffv1', '.mkv']],
    ['ts', '-c:v libx264 -c:a flac', 'OUTPUT_REJECTED', ['flac', '.mkv']],
    ['mkv', '-c:v libx264 -tag:v avc3', 'OUTPUT_REJECTED', ['-tag:v', 'leave it out']],
    // It could not be read again.
    ['mkv', '-c:v qtrle -pix_fmt argb', 'OUTPUT_REJECTED', ['.mov']],
    // What segments do not hold.
    ['mkv', '-c:v rawvideo -pix_fmt yuv420p', 'PARAMS_INVALID', ['-c:v ffv1']],
    ['webm', '-c:v libvpx', 'PARAMS_INVALID', ['libvpx-vp9']],
    ['webm', '-c:v libvpx-vp9 -pix_fmt yuva420p', 'PARAMS_INVALID', ['-pix_fmt yuv420p', 'ffv1']],
  ])(
    'in %s is refused for %s before any work, and a remedy is named',
    async (extension, params, expected, words) => {
      const args = [clip, '-o', inDirectory(`out.${extension}`), '--params', params]
      const exitCode = expected === 'PARAMS_INVALID' ? EXIT.usage : EXIT.failed
      const { code, message } = await failure(args, exitCode)
      expect(code).toBe(expected)
      for (const word of words) expect(message).toContain(word)
    },
  )

  test('is told the option that its container wants for what it holds as an experiment', async () => {
    const heard = inDirectory('heard-flac.mkv')
    await ffmpeg('-i', clip, '-f', 'lavfi', '-i', 'sine=duration=3', '-c:v', 'copy', '-c:a', 'aac', heard)
    const args = [heard, '-o', inDirectory('out.mp4'), '--params', '-c:v libx264 -c:a truehd']
    const { code, message } = await failure(args, EXIT.failed)
    expect(code).toBe('PARAMS_REJECTED')
    expect(message).toContain('-strict -2')
  })

  test.skipIf(process.platform !== 'linux')('may not lie where no files can be made', async () => {
    expect(await codeOf([clip, '-o', '/proc/out.mp4'], EXIT.failed)).toBe('OUTPUT_UNWRITABLE')
  })

  test('takes no option of its container that ffmpeg does not', async () => {
    const args = [clip, '-o', inDirectory('out.mp4'), '--params', '-c:v libx264 -movflags nonsense']
    expect(await codeOf(args, EXIT.failed)).toBe('PARAMS_REJECTED')
  })

  test('is kept where it exists', async () => {
    const existing = inDirectory('existing.mp4')
    await writeFile(existing, 'precious')
    expect(await codeOf([clip, '-o', existing], EXIT.failed)).toBe('OUTPUT_EXISTS')
    expect(readFileSync(existing, 'utf8')).toBe('precious')
  })

  test('is kept where it exists when -y is given and the job fails', async () => {
    const existing = inDirectory('existing.mp4')
    await writeFile(existing, 'precious')
    const args = [clip, '-o', existing, '-y', '--params', '-c:v libx264 -crf nice']
    expect(await codeOf(args, EXIT.failed)).toBe('PARAMS_REJECTED')
    expect(readFileSync(existing, 'utf8')).toBe('precious')
  })

  test.each([
    ['itself', async () => clip],
    ['a symbolic link to it', async (path: string) => symlink(clip, path).then(() => path)],
    ['a hard link to it', async (path: string) => link(clip, path).then(() => path)],
  ])('is never the input: not %s', async (what, makeOutput) => {
    const bytes = readFileSync(clip)
    const output = await makeOutput(inDirectory(`${what.replaceAll(' ', '-')}.mp4`))
    expect(await codeOf([clip, '-o', output, '-y'], EXIT.failed)).toBe('OUTPUT_IS_INPUT')
    expect(readFileSync(clip).equals(bytes)).toBe(true)
  })
})

const noMounts = await whyNoMounts()
if (noMounts !== undefined) process.stderr.write(`skipped, the tests with full disks: ${noMounts}\n`)

describe.skipIf(noMounts !== undefined)('the disk', () => {
  async function mountPoint(name: string): Promise<string> {
    await mkdir(inDirectory(name))
    return inDirectory(name)
  }
  const leftIn = (path: string) => readFileSync(`${path}.left`, 'utf8')

  test('of the output may not be read-only', async () => {
    const disk = await mountPoint('read-only')
    const launcher = onTmpfs(disk, 'ro')
    expect(await codeOf([clip, '-o', join(disk, 'out.mkv')], EXIT.failed, { launcher })).toBe(
      'OUTPUT_UNWRITABLE',
    )
  })

  test('of the output may not be full from the start', async () => {
    const disk = await mountPoint('tiny')
    const launcher = onTmpfs(disk, 'size=4k')
    expect(await codeOf([clip, '-o', join(disk, 'out.mkv')], EXIT.failed, { launcher })).toBe(
      'OUTPUT_DISK_FULL',
    )
    expect(leftIn(disk)).toBe('')
  })

  test.each([
    ['in the middle', 'size=256k', '-c:v ffv1'],
    // These 90 kB FFmpeg writes when it closes the file, and ends with exit code 0 when it cannot.
    ['at its very end', 'size=72k', '-c:v libx264'],
  ])('of the output may fill up %s: the job waits, and keeps its segments', async (place, size, params) => {
    const disk = await mountPoint(place.replaceAll(' ', '-'))
    const args = ['encode', clip, '-o', join(disk, 'out.mkv'), '--params', params, '--json', ...LOOPBACK]
    const job = startCli(args, {
      env: { FFSWARM_HOME: inDirectory('home') },
      launcher: onTmpfs(disk, size),
    })
    const paused = await job.event(({ event }) => event === 'paused')
    expect(paused).toMatchObject({ code: 'OUTPUT_DISK_FULL', message: expect.stringContaining(disk) })
    job.signal('SIGTERM')
    const { exitCode, stderr } = await job.ended
    expect(exitCode).toBe(130)
    expect(stderr).toMatch(/kept: the same command goes on/)
    expect(leftIn(disk)).toBe('')
  })
})

describe('the network', () => {
  test('that has too few peers in time is told with who is there', async () => {
    const args = [clip, '-o', inDirectory('out.mkv'), '--peers', '2', '--wait', '0.5']
    const { code, message } = await failure(args, EXIT.failed)
    expect(code).toBe('PEERS_MISSING')
    expect(message).toContain('2')
  })

  test('that has nobody in time while this node may not encode is told too', async () => {
    const args = [clip, '-o', inDirectory('out.mkv'), '--no-local', '--wait', '0.5']
    expect(await codeOf(args, EXIT.failed)).toBe('PEERS_MISSING')
  })

  test('whose port is in use is named', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    try {
      const ended = await runCli(['join', '--json', '--no-mdns', '--listen', `/ip4/127.0.0.1/tcp/${port}`], {
        env: { FFSWARM_HOME: inDirectory('home') },
      })
      expect(ended.exitCode).toBe(EXIT.environment)
      expect(ended.stdout).toContain('PORT_IN_USE')
      expect(ended.stderr).toContain(String(port))
      expect(ended.stderr.trim().split('\n')).toHaveLength(1)
    } finally {
      server.close()
    }
  })

  test('may not be joined at what is no address', async () => {
    expect(await codeOf([clip, '--connect', 'somewhere'], EXIT.usage)).toBe('ADDRESS_INVALID')
  })
})

describe('the machine', () => {
  test.each(['FFSWARM_FFMPEG', 'FFSWARM_FFPROBE'])('whose %s names nothing is told so', async (variable) => {
    const env = { [variable]: inDirectory('none') }
    const { code, message } = await failure([clip], EXIT.environment, { env })
    expect(code).toBe('TOOL_UNUSABLE')
    expect(message).toContain(variable)
  })

  test('whose FFSWARM_FFMPEG is another program is told so', async () => {
    expect(await codeOf([clip], EXIT.environment, { env: { FFSWARM_FFMPEG: '/bin/false' } })).toBe(
      'TOOL_UNUSABLE',
    )
  })

  test('whose data directory cannot be made is told so', async () => {
    const home = join(clip, 'home')
    expect(await codeOf([clip], EXIT.environment, { home })).toBe('DATA_DIR_UNUSABLE')
  })
})

describe('the command line', () => {
  test.each([
    ['an unknown option', ['encode', 'clip.mp4', '--frobnicate']],
    ['an unknown command', ['frobnicate']],
    ['no input', ['encode']],
    ['a number that is none', ['encode', 'clip.mp4', '--peers', 'many']],
    ['a length of nothing', ['encode', 'clip.mp4', '--segment-time', '0']],
    ['a port that cannot be', ['join', '--port', '70000']],
    ['port and address both', ['join', '--port', '1', '--listen', '/ip4/127.0.0.1/tcp/0']],
  ])('with %s ends with 2 before anything is done', async (_, args) => {
    const ended = await runCli(args, { cwd: directory, env: { FFSWARM_HOME: inDirectory('unused') } })
    expect(ended.exitCode).toBe(2)
    expect(ended.stdout).toBe('')
    expect(ended.stderr).toMatch(/^error: /)
    expect(existsSync(inDirectory('unused'))).toBe(false)
  })

  test.each([['--help'], ['--version'], ['encode', '--help']])(
    'answers %s on standard output',
    async (...args) => {
      const ended = await runCli(args)
      expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
      expect(ended.stdout).not.toBe('')
    },
  )
})
