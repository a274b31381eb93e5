/** Asks by multicast DNS who is there at all, and listens for who answers, itself included. */
import '../polyfill.ts'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import multicastDns from 'multicast-dns'
import { createSpeakers, interfaceAddresses } from './multicast.ts'

export interface MulticastHeard {
  /** Why it cannot be used at all, in the system's words. */
  readonly failure: string | undefined
  /** Whether the question was heard by whoever asked it. */
  readonly itself: boolean
  /** Machines besides this one that answered or asked. */
  readonly others: number
}

/** RFC 6763, section 9: every responder tells what services it has. */
const ALL_SERVICES = '_services._dns-sd._udp.local'
const MDNS_PORT = 5353
/** A large network has no more that count. */
const OTHERS_MAX = 1024

export async function listenForMulticast({
  seconds,
  signal,
  port = MDNS_PORT,
}: {
  seconds: number
  signal: AbortSignal
  port?: number
}): Promise<MulticastHeard> {
  const mark = `${randomBytes(8).toString('hex')}.ffswarm.local`
  const others = new Set<string>()
  let itself = false
  let failure: string | undefined
  const onError = (error: Error) => {
    if ('syscall' in error) failure ??= error.message
  }
  const listener = multicastDns({ port, loopback: true })
  listener.on('error', onError)
  listener.on('warning', onError)
  const own = new Set(interfaceAddresses())
  const onPacket = (packet: { questions?: { name: string }[] }, { address }: { address: string }) => {
    if (packet.questions?.some(({ name }) => name === mark)) itself = true
    else if (!own.has(address) && others.size < OTHERS_MAX) others.add(address)
  }
  listener.on('query', onPacket)
  listener.on('response', onPacket)
  const speakers = createSpeakers(port, onError)
  try {
    const questions = [
      { name: mark, type: 'PTR' },
      { name: ALL_SERVICES, type: 'PTR' },
    ]
    // Twice: a packet may get lost, and the sockets of the interfaces open with the first.
    for (const part of [0.3, 0.7]) {
      speakers.send({ type: 'query', questions })
      await sleep(seconds * 1000 * part, undefined, { signal })
    }
  } finally {
    await speakers.close()
    await new Promise<void>((resolve) => listener.destroy(resolve))
  }
  return { failure, itself, others: others.size }
}
