import { type Terminal, write } from '../terminal.ts'

const BASH = `# Completion of jobyard for bash; made by: jobyard completion bash
_jobyard() {
  local IFS=$'\\n' current
  current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(jobyard complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [ \${#COMPREPLY[@]} -eq 0 ] && [[ "$current" != -* ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _jobyard jobyard
`

const ZSH = `#compdef jobyard
# Completion of jobyard for zsh; made by: jobyard completion zsh
_jobyard() {
  local -a found
  found=(\${(f)"$(jobyard complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then
    compadd -a found
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_jobyard" ]; then
  _jobyard "$@"
else
  compdef _jobyard jobyard
fi
`

const FISH = `# Completion of jobyard for fish; made by: jobyard completion fish
function __jobyard_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (jobyard complete -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c jobyard -f -a '(__jobyard_complete)'
`

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

/** Prints the script that makes a shell ask `jobyard complete`. */
export async function printCompletion(terminal: Pick<Terminal, 'stdout'>, shell: string): Promise<void> {
  await write(terminal.stdout, SCRIPTS[shell] ?? '')
}
