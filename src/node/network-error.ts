/** What can go wrong between this node and its machine or network, as data; the prose is made in one place. */

export type NetworkFailure =
  | { code: 'PORT_IN_USE'; port: number }
  | { code: 'LISTEN_FAILED'; addresses: readonly string[]; detail: string }
  | { code: 'ADDRESS_INVALID'; address: string }
  | { code: 'PEER_ID_INVALID'; text: string }
  | { code: 'DATA_DIR_UNUSABLE'; path: string; detail: string }
  | { code: 'IDENTITY_UNREADABLE'; path: string; detail: string }
  | { code: 'IDENTITIES_EXHAUSTED'; path: string; count: number }
  /** Whatever it is, it is not repeated. */
  | { code: 'KEY_INVALID'; detail: string }
  | { code: 'KEY_UNREADABLE'; path: string; detail: string }
  | { code: 'KEY_MISSING' }
  | { code: 'KEY_EXISTS' }
  | { code: 'PAIR_CODE_INVALID' }
  | { code: 'PAIR_CODE_WRONG' }
  | { code: 'PAIR_NOBODY' }
  | { code: 'PAIR_TRIES'; tries: number }
  | { code: 'PAIRED_UNKNOWN'; machine: string }
  | { code: 'PAIRED_UNREADABLE'; path: string; detail: string }
  /** Why there is none, as the rest of a sentence. */
  | { code: 'SANDBOX_MISSING'; detail: string }

export class NetworkError extends Error {
  readonly failure: NetworkFailure

  constructor(failure: NetworkFailure, options?: ErrorOptions) {
    super(describe(failure), options)
    this.name = 'NetworkError'
    this.failure = failure
  }

  get code(): NetworkFailure['code'] {
    return this.failure.code
  }
}

function describe(failure: NetworkFailure): string {
  switch (failure.code) {
    case 'PORT_IN_USE':
      return `port ${failure.port} is in use by another program: name another with --port, or leave it out for a free one`
    case 'LISTEN_FAILED':
      return `cannot listen on ${failure.addresses.join(', ')}: ${failure.detail}`
    case 'ADDRESS_INVALID':
      return `'${failure.address}' is no address: write host:port, or a multiaddr such as /ip4/192.168.1.5/tcp/4001`
    case 'PEER_ID_INVALID':
      return `'${failure.text}' is no PeerId: 'ffswarm peers' and 'ffswarm join' print them, such as 12D3KooW…`
    case 'DATA_DIR_UNUSABLE':
      return `${failure.path} cannot be used to keep this node's data (${failure.detail}): set FFSWARM_HOME to a directory that can`
    case 'IDENTITY_UNREADABLE':
      return `${failure.path} does not hold an identity (${failure.detail}): remove it, and the node gets a new one`
    case 'KEY_INVALID':
      return `this key cannot be used (${failure.detail}): 'ffswarm key new' makes one`
    case 'KEY_UNREADABLE':
      return `${failure.path} does not give a key (${failure.detail}): 'ffswarm key set' stores another, 'ffswarm key clear' removes it`
    case 'KEY_MISSING':
      return "no key is stored, so that whoever is on the network can take part: 'ffswarm key new' makes one"
    case 'KEY_EXISTS':
      return "a key is stored already: 'ffswarm key show' prints it, and -y replaces it"
    case 'PAIR_CODE_INVALID':
      return "a code has eight digits, such as 48-217-365: 'ffswarm pair' shows one on the other machine"
    case 'PAIR_CODE_WRONG':
      return 'the other machine shows another code: look there, and type it again'
    case 'PAIR_NOBODY':
      return "no machine was found to be paired with: run 'ffswarm pair' there and 'ffswarm pair CODE' here; where multicast does not work, name its address with --connect"
    case 'PAIR_TRIES':
      return `${failure.tries} wrong codes were tried: somebody may be guessing; run 'ffswarm pair' again for a new one`
    case 'PAIRED_UNKNOWN':
      return `no machine '${failure.machine}' is paired with this one: 'ffswarm pair --list' tells which are`
    case 'PAIRED_UNREADABLE':
      return `${failure.path} does not tell which machines are paired with this one (${failure.detail}): remove it, and pair them again`
    case 'SANDBOX_MISSING':
      return `no sandbox can be had here (${failure.detail}): 'ffswarm doctor' says more, and --sandbox auto goes without`
    case 'IDENTITIES_EXHAUSTED':
      return `${failure.count} nodes run on the identities in ${failure.path} already: set FFSWARM_HOME to another directory`
  }
}
