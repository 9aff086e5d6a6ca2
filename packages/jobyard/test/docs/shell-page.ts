import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

/** A fenced block of commands on a page, and what the page says that they print. */
export interface Step {
  readonly commands: string
  /** Absent: the page does not say. */
  readonly prints?: string
  /** Line of the page at which the block begins, counted from 1. */
  readonly line: number
}

/** The steps of a page in their order: each block `sh`, with the block `text` that follows it, if one does. */
export function stepsOf(page: string): Step[] {
  const fences = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
  return fences.flatMap(([, language, commands = ''], index) => {
    if (language !== 'sh') return []
    const [, next, prints = ''] = fences[index + 1] ?? []
    const line = page.slice(0, fences[index]?.index).split('\n').length
    return [next === 'text' ? { commands, prints, line } : { commands, line }]
  })
}

/**
 * Whether something printed is what a page shows: `…` stands for anything within a line, and for any lines where it stands
 * alone.
 */
export function isAsShown(shown: string, printed: string): boolean {
  const pattern = shown
    .trimEnd()
    .split('\n')
    .map((line) => (line === '…' ? '[^]*?' : line.split('…').map(RegExp.escape).join('.*?')))
    .join('\n')
  return new RegExp(`^${pattern}$`).test(printed.trimEnd())
}

/** A shell that stays, as that of whoever reads a page and types what it says. */
export class Shell implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<unknown>
  #printed = ''
  #heard: () => void = () => undefined
  #count = 0
  #isOver = false

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn('bash', ['--noprofile', '--norc'], { cwd: folder, env, detached: true })
    const hear = (chunk: string) => {
      // Ends of lines of HTTP, which nobody sees in a terminal.
      this.#printed = (this.#printed + chunk).replaceAll('\r\n', '\n')
      this.#heard()
    }
    this.#child.stdout.setEncoding('utf8').on('data', hear)
    this.#child.stderr.setEncoding('utf8').on('data', hear)
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve))
    void this.#ended.then(() => {
      this.#isOver = true
      this.#heard()
    })
    this.#child.stdin.on('error', () => undefined)
    // Whatever fails ends the shell: a reader would not go on.
    this.#child.stdin.write('exec 2>&1\nset -eo pipefail\n')
  }

  /** Types commands; resolves with what they print. Throws when one fails. */
  async type(commands: string): Promise<string> {
    const mark = `--- typed ${++this.#count} ---\n`
    this.#printed = ''
    this.#child.stdin.write(`${commands}printf '\\n%s' '${mark}'\n`)
    for (;;) {
      const end = this.#printed.indexOf(`\n${mark}`)
      if (end >= 0) return this.#printed.slice(0, end)
      if (this.#isOver) throw new Error(`A command failed:\n${commands}\nIt printed:\n${this.#printed}`)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  /** Ends the shell and what it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.pid !== undefined && !this.#isOver) process.kill(-this.#child.pid, 'SIGTERM')
    this.#child.stdin.destroy()
    await this.#ended
  }
}
