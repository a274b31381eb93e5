/**
 * What can stand at the end of a command line, asked of the commands themselves, and what asks it in each shell. (Libraries for it either
 * keep file names from being completed, or read their scripts from files at run time, which one bundled file has not.)
 */
import type { Command, Option } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export interface Completion {
  readonly values: readonly { readonly value: string; readonly description: string }[]
  /** Names of files are to be completed, as the shell does it. */
  readonly files: boolean
}

const NOTHING: Completion = { values: [], files: false }
const FILES: Completion = { values: [], files: true }
/** Names of what a command line calls files and directories. */
const FILE = /^(file|dir|input|output)$/

/** @param words behind the program's name; the last one is being written, and may be empty */
export function complete(program: Command, words: readonly string[]): Completion {
  const written = words.slice(0, -1)
  const current = words.at(-1) ?? ''
  let command = program
  let positional = 0
  let awaited: Option | undefined
  for (const word of written) {
    if (awaited !== undefined) awaited = undefined
    else if (word.startsWith('-')) awaited = optionOf(command, word)
    else {
      const inner = command.commands.find((candidate) => candidate.name() === word)
      if (inner === undefined) positional++
      else command = inner
    }
  }
  if (awaited !== undefined) return matching(current, awaited.argChoices, valueName(awaited))
  if (current.startsWith('-')) return among(current, optionsOf(command))
  if (command.commands.length > 0) return positional > 0 ? NOTHING : among(current, commandsOf(command))
  const argument = command.registeredArguments[positional]
  return argument === undefined ? NOTHING : matching(current, argument.argChoices, argument.name())
}

/** One that waits for a value in the next word. */
function optionOf(command: Command, word: string): Option | undefined {
  const option = command.options.find(({ short, long }) => word === short || word === long)
  return option !== undefined && (option.required || option.optional) ? option : undefined
}

/** `file` of `--output <file>`. */
function valueName({ flags }: Option): string {
  return /[<[]([\w-]+)/.exec(flags)?.[1] ?? ''
}

function matching(current: string, choices: readonly string[] | undefined, name: string): Completion {
  if (choices === undefined) return FILE.test(name) ? FILES : NOTHING
  return among(
    current,
    choices.map((value) => ({ value, description: '' })),
  )
}

function optionsOf(command: Command): Completion['values'] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) =>
      long === undefined || long === null ? [] : [{ value: long, description }],
    )
}

function commandsOf(command: Command): Completion['values'] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((inner) => ({ value: inner.name(), description: inner.description() }))
}

function among(current: string, values: Completion['values']): Completion {
  return { values: values.filter(({ value }) => value.startsWith(current)), files: false }
}

/** A line for each, as the scripts read it. */
export function completionLines({ values, files }: Completion): string {
  if (files) return ':files\n'
  return values.map(({ value, description }) => `${value}\t${description}\n`).join('')
}

/** To be sourced by the shell at its start. */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_ffswarm() {
  local value rest
  COMPREPLY=()
  while IFS=$'\\t' read -r value rest; do
    if [ "$value" = ":files" ]; then
      compopt -o default 2> /dev/null
      return
    fi
    [ -n "$value" ] && COMPREPLY+=("$value")
  done < <(ffswarm complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -F _ffswarm ffswarm
`,
  zsh: `#compdef ffswarm
_ffswarm() {
  local line
  local -a values
  for line in "\${(@f)$(ffswarm complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    if [[ $line == ":files" ]]; then
      _files
      return
    fi
    [[ -n $line ]] && values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe ffswarm values
}
if [[ $funcstack[1] == _ffswarm ]]; then
  _ffswarm "$@"
else
  compdef _ffswarm ffswarm
fi
`,
  fish: `function __ffswarm_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (ffswarm complete -- $words[2..-1] 2> /dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c ffswarm -f -a "(__ffswarm_complete)"
`,
}
