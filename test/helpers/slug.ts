/** Names of cases as names of files. */

// Of the 255 bytes that Linux takes, so that something can follow.
const LENGTH_MAX = 200

export function slug(text: string): string {
  return text.replace(/[^a-z0-9]+/gi, '-').slice(0, LENGTH_MAX)
}
