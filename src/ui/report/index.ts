/** A report as its file's name wants it: a page for people, or JSON. */
import type { ReadReport } from '../../node/index.ts'
import { reportPage } from './page.ts'

export { reportPage } from './page.ts'

export function isPage(path: string): boolean {
  return /\.html?$/i.test(path)
}

/** @param withReport puts the report itself into the page */
export function reportText(
  path: string,
  report: ReadReport,
  withReport: (page: string, report: ReadReport) => string,
): string {
  return isPage(path) ? withReport(reportPage(report), report) : `${JSON.stringify(report, null, 2)}\n`
}
