import { Argument, type Command } from 'commander'
import { type Build, verb } from '../shape.ts'

/** The command that teaches shells the others. */
export function addCompletion(program: Command, { terminal }: Build): void {
  verb(program, 'completion', 'print what makes a shell complete commands, options and names of jobs', [
    'jobyard completion bash > ~/.local/share/bash-completion/completions/jobyard',
    'jobyard completion zsh > ~/.zfunc/_jobyard      # a folder of your fpath',
    'jobyard completion fish > ~/.config/fish/completions/jobyard.fish',
  ])
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: string) => {
      await (await import('../completion/scripts.ts')).printCompletion(terminal, shell)
    })
  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'the words of the line up to the cursor, the unfinished one last')
    .action(async (words: string[]) => {
      await (await import('../completion/complete.ts')).complete(terminal, program, words)
    })
}
