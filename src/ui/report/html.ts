/** HTML out of values, each escaped where it stands, unless it is HTML already. */
import { htmlEscape } from 'escape-goat'

export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Html | string | number | undefined | readonly Value[]

/** As a tag of a template. What is undefined is nothing, and lists stand one behind the other. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(strings.map((text, at) => text + toText(values[at])).join(''))
}

function toText(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(toText).join('')
  return htmlEscape(String(value))
}
