/** Words of the command line as values, or a line that says what is expected. */
import { InvalidArgumentError } from 'commander'

export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

export function fileName(text: string): string {
  if (text === '') throw new InvalidArgumentError('a file name is expected.')
  return text
}

/** Of a report: it is written whole or not at all, which standard output cannot be. */
export function reportName(text: string): string {
  if (text === '' || text === '-') throw new InvalidArgumentError('a file name is expected.')
  return text
}

export function nonNegativeInteger(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number up to 999999 is expected.')
  return Number(text)
}

export function positiveInteger(text: string): number {
  const value = nonNegativeInteger(text)
  if (value === 0) throw new InvalidArgumentError('at least 1 is expected.')
  return value
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('a number above 0 is expected.')
  return value
}

export function delaySeconds(text: string): number | 'auto' {
  return text === 'auto' ? text : positiveNumber(text)
}

/** As the benchmark's protocol has it. */
const PICTURE_SIDE_MAX = 16_384

export function pictureSize(text: string): { width: number; height: number } {
  const match = /^(\d{2,5})x(\d{2,5})$/.exec(text)
  if (match === null || match.slice(1).some((side) => Number(side) > PICTURE_SIDE_MAX))
    throw new InvalidArgumentError('WIDTHxHEIGHT is expected, such as 1920x1080.')
  return { width: Number(match[1]), height: Number(match[2]) }
}

/** `8080`, `:8080` or `0.0.0.0:8080`; `[::]:8080`. By default on this machine alone. */
export function serveAddress(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9a-f:.]+)\]:|([\w.-]*):)?(\d{1,5})$/i.exec(text) ?? []
  if (digits === '') throw new InvalidArgumentError('HOST:PORT is expected, such as 0.0.0.0:8080.')
  return { host: bracketed ?? (plain || '127.0.0.1'), port: port(digits) }
}

export function port(text: string): number {
  const value = nonNegativeInteger(text)
  if (value > 65_535) throw new InvalidArgumentError('a port is at most 65535.')
  return value
}
