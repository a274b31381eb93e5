// Claims an identity, says which, and holds it until its standard input ends or it is killed.
import { claimIdentity } from '../../../dist/node/identity.js'

const [dataDir] = process.argv.slice(2)
const identity = await claimIdentity(dataDir, { signal: AbortSignal.timeout(60_000) })
process.stdout.write(`${JSON.stringify({ index: identity.index, peerId: identity.peerId.toString() })}\n`)
process.stdin.resume()
process.stdin.once('end', async () => {
  await identity.release()
  process.exit(0)
})
