/** A small or read-only file system for one command, in a mount namespace of its own that ends with it. */
import { execFile } from 'node:child_process'
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

/** The same with a tmpfs of 96 MB, of which all but so many are taken for some seconds. */
export function onFullDisk(
  directory: string,
  { freeMegabytes, seconds }: { freeMegabytes: number; seconds: number },
): string[] {
  const script = [
    'mount -t tmpfs -o size=96m tmpfs "$0" || exit 99',
    'head -c "$1"m /dev/zero > "$0/ballast"',
    '(sleep "$2"; rm "$0/ballast") > /dev/null 2>&1 &',
    'shift 2',
    // Signals are for the command.
    'exec "$@"',
  ]
  const words = [directory, `${96 - freeMegabytes}`, `${seconds}`]
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
    '"$@"',
    'code=$?',
    'ls -A "$0" > "$0.left"',
    'exit $code',
  ]
  return ['unshare', '--mount', 'sh', '-c', script.join('\n'), directory, options]
}
