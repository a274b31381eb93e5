/** The key of a closed swarm: made, derived from, stored. */
export { deriveSecrets, newKey, parseKey, type SwarmSecrets } from './key.ts'
export { chooseKey, clearKey, readStoredKey, storeKey } from './store.ts'
