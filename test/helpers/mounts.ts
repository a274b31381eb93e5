/** A small or read-only file system for one command, in a mount namespace of its own that ends with it. */
import { execFile } from 'node:child_process'
import { rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Why there are no such mounts here, as a reason to skip; undefined where there are. */
export async function whyNoMounts(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'mount namespaces are Linux’s'
  try {
    await execute('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
    return undefined
  } catch (error) {
    return `this system makes no mount namespaces: ${String(error).split('\n')[0]}`
  }
}

/**
 * The same with a tmpfs of 96 MB, of which all but so many are taken for some seconds.
 *
 * @param options `copyTo`: a directory that all is copied to when the command has ended, which then gets no signals
 */
export function onFullDisk(
  directory: string,
  { freeMegabytes, seconds, copyTo = '' }: { freeMegabytes: number; seconds: number; copyTo?: string },
): string[] {
  const script = [
    'mount -t tmpfs -o size=96m tmpfs "$0" || exit 99',
    'head -c "$1"m /dev/zero > "$0/ballast"',
    '(sleep "$2"; rm "$0/ballast") > /dev/null 2>&1 &',
    'copyTo="$3"',
    'shift 3',
    // Signals are for the command.
    'if [ -z "$copyTo" ]; then exec "$@"; fi',
    '"$@"',
    'code=$?',
    'cp -r "$0/." "$copyTo"',
    'exit $code',
  ]
  const words = [directory, `${96 - freeMegabytes}`, `${seconds}`, copyTo]
  return ['unshare', '--mount', 'sh', '-c', script.join('\n'), ...words]
}

/**
 * Words that start a command with a tmpfs on `directory`; when it has ended, `directory.left` names what lies there.
 *
 * @param options mount's, such as `size=1m` or `ro`
 */
export function onTmpfs(directory: string, options: string): string[] {
  const script = [
    `mount -t tmpfs -o "$1" tmpfs "$0" || exit 99`,
    'shift',
    '"$@" &',
    'command=$!',
    // Signals are for the command, too.
    "trap 'kill -TERM $command' TERM",
    'wait $command',
    'code=$?',
    'if kill -0 $command 2> /dev/null; then wait $command; code=$?; fi',
    'ls -A "$0" > "$0.left"',
    'exit $code',
  ]
  return ['unshare', '--mount', 'sh', '-c', script.join('\n'), directory, options]
}

export interface SmallDisk {
  /** Takes all room that is left. */
  fill(): Promise<void>
  /** Gives it back. */
  clear(): Promise<void>
  remove(): Promise<void>
}

/** A tmpfs on a directory that is empty, for as long as the test has it. */
export async function makeSmallDisk(directory: string, megabytes: number): Promise<SmallDisk> {
  await execute('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory])
  const ballast = join(directory, 'ballast')
  return {
    async fill() {
      const { bavail, bsize } = await statfs(directory)
      await execute('fallocate', ['-l', `${Math.max(1, bavail) * bsize}`, ballast]).catch(() => {})
    },
    clear: () => rm(ballast, { force: true }),
    remove: async () => void (await execute('umount', ['--lazy', directory])),
  }
}
