/** Errors by their codes: of the operating system, and of this program. */

export function isErrno(err: unknown, ...codes: string[]): err is NodeJS.ErrnoException {
  return err instanceof Error && 'code' in err && codes.includes(String(err.code))
}

/** What a failure is for programs, where it says so. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
