/** A secret from a person or a pipe: what is typed is not shown, and stands in no list of processes. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

const CHARACTERS_MAX = 4096

/** @returns the line that was typed; all that came by a pipe, without the last line's end */
export async function readSecret(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  { prompt, signal }: { prompt: string; signal: AbortSignal },
): Promise<string> {
  if (input.isTTY !== true) return await wholeText(input)
  output.write(prompt)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: silent, terminal: true })
  try {
    return await lines.question('', { signal })
  } finally {
    lines.close()
    output.write('\n')
  }
}

async function wholeText(input: NodeJS.ReadStream): Promise<string> {
  let text = ''
  input.setEncoding('utf8')
  for await (const chunk of input) {
    text += chunk
    if (text.length > CHARACTERS_MAX) break
  }
  return text.replace(/\r?\n$/, '')
}
