/** This program's name and version, as its package says. */
import { createRequire } from 'node:module'

const manifest = createRequire(import.meta.url)('../../package.json') as { version: string }

export const VERSION = manifest.version
export const SOFTWARE = `ffswarm/${VERSION}`
