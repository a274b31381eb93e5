/**
 * Works for others from six in the evening to eight in the morning, and tells what it does.
 *
 *     node examples/worker.mjs
 */
import { createNode } from 'ffswarm'

const [from = '18', until = '8'] = process.argv.slice(2)
const isTime = () => {
  const hour = new Date().getHours()
  return Number(from) > Number(until) ? hour >= from || hour < until : hour >= from && hour < until
}

const over = new AbortController()
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => over.abort())

while (!over.signal.aborted) {
  if (isTime()) await work()
  else await pause(60_000)
}

async function work() {
  const node = await createNode({
    role: 'worker',
    slots: 1,
    listen: process.env.FFSWARM_LISTEN?.split(','),
    mdns: process.env.FFSWARM_LISTEN === undefined,
    onTask: ({ task, state }) => console.log(`segment ${task}: ${state}`),
  })
  console.log(`ready: ${node.addresses.join(' ')}`)
  while (isTime() && !over.signal.aborted) await pause(1_000)
  // What was begun is finished, and handed over.
  await node.drain()
  await node.stop()
}

function pause(delayMs) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      over.signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, delayMs)
    over.signal.addEventListener('abort', done, { once: true })
  })
}
