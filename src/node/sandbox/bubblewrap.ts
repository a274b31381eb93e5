/**
 * The words by which bubblewrap (`bwrap`) runs a tool with nothing of this machine but the system's programs and libraries, read-only,
 * and the files of one task: no home, no other process, no network beyond the loopback interface of a namespace.
 */
import { basename, dirname, join } from 'node:path'
import type { Access } from '../../media/index.ts'

/** What a program of this machine needs to run at all. */
export interface SystemFiles {
  /** Directories and files to be seen as they are. */
  readonly seen: readonly string[]
  /** Symbolic links at the root, such as `/lib` to `usr/lib`. */
  readonly links: readonly { readonly path: string; readonly target: string }[]
}

/** Directories at the root where programs and libraries lie; those that are links are made anew. */
export const SYSTEM_ROOTS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/usr', '/nix', '/gnu']

/** What finds libraries (and which of several), and tells how many processors there are: encoders ask for that. */
export const SYSTEM_FILES = [
  ...['/etc/alternatives', '/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d'],
  ...['/sys/devices/system', '/run/current-system'],
]

export interface BubblewrapInit {
  readonly bwrap: string
  readonly system: SystemFiles
  /** The program's file, links resolved, and the path that it is run by. */
  readonly program: string
  readonly path: string
  /** Needed where this user may not make namespaces otherwise; where it is root, root's rights over files get lost by it. */
  readonly userNamespace: boolean
  /** Runs in the network namespace that it is started in, instead of in an empty one of its own. */
  readonly keepsNetwork: boolean
}

/** Up to the program's own words. */
export function bubblewrapWords(
  init: BubblewrapInit,
  { reads, open = [], writes = [], usesGpu, usesNetwork }: Access,
): string[] {
  const { bwrap, system, program, path: runBy } = init
  const isSeen = (path: string) => system.seen.some((seen) => path.startsWith(`${seen}/`))
  return [
    bwrap,
    ...(init.userNamespace ? ['--unshare-user'] : KEEP_FILE_RIGHTS),
    ...(init.keepsNetwork || usesNetwork === true ? [] : ['--unshare-net']),
    ...['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    '--die-with-parent',
    ...system.seen.flatMap((path) => ['--ro-bind', path, path]),
    ...system.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...['--proc', '/proc', '--dev', '/dev', '--dir', '/tmp'],
    ...(usesGpu === true ? GPU_WORDS : []),
    ...(usesNetwork === true ? NETWORK_WORDS : []),
    ...programFiles(program).flatMap((path) => ['--ro-bind-try', path, path]),
    // A link to it leads nowhere in there.
    ...(runBy === program || isSeen(runBy) ? [] : ['--ro-bind', program, runBy]),
    ...reads.flatMap((path) => ['--ro-bind', path, path]),
    ...open.flatMap(({ path }, at) => ['--ro-bind', `/proc/self/fd/${FIRST_FD + at}`, path]),
    ...writes.flatMap((path) => ['--bind', path, path]),
    // Both lie in memory, which a file in them would take.
    ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', '/', '--'],
  ]
}

/** Of Intel, AMD and NVIDIA. */
const GPU_DEVICES = [
  ...['/dev/dri', '/dev/kfd', '/dev/nvidia0', '/dev/nvidia1', '/dev/nvidia2', '/dev/nvidia3'],
  ...[
    '/dev/nvidiactl',
    '/dev/nvidia-modeset',
    '/dev/nvidia-uvm',
    '/dev/nvidia-uvm-tools',
    '/dev/nvidia-caps',
  ],
  ...['/dev/video10', '/dev/video11', '/dev/video12', '/dev/mpp_service'],
]

/** Where their libraries read what card it is. */
const GPU_FILES = ['/sys/dev/char', '/sys/bus/pci', '/sys/devices/pci0000:00', '/sys/module/nvidia']

const GPU_WORDS = [
  ...GPU_DEVICES.flatMap((path) => ['--dev-bind-try', path, path]),
  ...GPU_FILES.flatMap((path) => ['--ro-bind-try', path, path]),
]

/** Names of machines, what proves them, and cameras: a live input that whoever started this node has named. */
const NETWORK_WORDS = [
  ...[
    '/etc/resolv.conf',
    '/etc/hosts',
    '/etc/nsswitch.conf',
    '/etc/ssl',
    '/etc/pki',
    '/run/systemd/resolve',
  ].flatMap((path) => ['--ro-bind-try', path, path]),
  ...['/dev/video0', '/dev/video1', '/dev/video2', '/dev/video3', '/dev/snd'].flatMap((path) => [
    ...['--dev-bind-try', path, path],
  ]),
]

/** Behind standard input, output and error. */
const FIRST_FD = 3

/** Root reads and writes whatever is shown to it, as it does outside; other rights are of no use to an encoder. */
const KEEP_FILE_RIGHTS = ['--cap-drop', 'ALL', '--cap-add', 'CAP_DAC_OVERRIDE']

/** A build in a directory of its own has its libraries beside it. */
function programFiles(program: string): string[] {
  const directory = dirname(program)
  return [program, ...(basename(directory) === 'bin' ? [join(directory, '..', 'lib')] : [])]
}
