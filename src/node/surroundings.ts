/** The real clock, environment and chance of this process. */
import type { Surroundings } from './node.ts'

export function surroundings(): Surroundings {
  return {
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    uid: process.getuid?.(),
    now: () => performance.now(),
    random: () => Math.random(),
  }
}
