/** How long each phase of a job took. */

export interface PhaseClock {
  /** Wall seconds by phase, in order. */
  readonly phases: Readonly<Record<string, number>>
  /** Ends the phase of this name; the next one begins. */
  next(name: string): void
  totalSeconds(): number
}

/** @param now milliseconds */
export function phaseClock(now: () => number): PhaseClock {
  const began = now()
  const phases: Record<string, number> = {}
  let last = began
  return {
    phases,
    next(name) {
      phases[name] = Math.round(now() - last) / 1000
      last = now()
    },
    totalSeconds: () => Math.round(now() - began) / 1000,
  }
}
