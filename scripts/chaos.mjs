/** `npm run chaos -- --seed N --minutes M`: breaks swarms of whole nodes, seed after seed, and stops at the first that comes out wrong. Linux, as root. */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' },
    /** Names of what is to happen, as a regular expression: seeds without any of it are passed over. */
    only: { type: 'string', default: '' },
    /** Of a coordinator, at any time, instead. */
    deaths: { type: 'string', default: '0' },
  },
})
const env = {
  ...process.env,
  ...{ CHAOS_SEED: values.seed, CHAOS_MINUTES: values.minutes, CHAOS_DEATHS: values.deaths },
  CHAOS_ONLY: values.only,
}
const vitest = ['vitest', 'run', 'test/lab/chaos.test.ts', '--disable-console-intercept']
spawn('npx', vitest, { stdio: 'inherit', env }).on('exit', (code) => process.exit(code ?? 1))
