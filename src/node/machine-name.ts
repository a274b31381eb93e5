/** This machine's name as a directory's: a home may be shared by machines, which cannot see each other's processes. */
import { hostname } from 'node:os'

export function machineName(): string {
  return (
    hostname()
      .replace(/[^A-Za-z0-9.-]/g, '_')
      .slice(0, 64) || 'localhost'
  )
}
