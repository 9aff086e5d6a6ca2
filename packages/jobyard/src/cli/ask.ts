import { JobyardError } from '../domain/errors.ts'
import { Interrupted, type Origin, type Terminal, write } from './terminal.ts'

const LARGEST_INPUT = 1024 * 1024

/** Reads all of standard input as text. */
export async function readAll(stdin: Origin): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const piece = Buffer.from(chunk)
    bytes += piece.length
    if (bytes > LARGEST_INPUT) throw new JobyardError('usage-invalid', 'Standard input is larger than 1 MB.')
    chunks.push(piece)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Gets a secret: asks for it on a terminal without showing what is typed, else reads it from standard input, without
 * the line end. Throws 'usage-invalid' when there is none.
 */
export async function askSecret(terminal: Terminal, question: string): Promise<string> {
  const { stdin, stderr } = terminal
  const typed = stdin.isTTY === true
  if (typed) await write(stderr, question)
  const secret = typed ? await readHidden(terminal) : (await readAll(stdin)).replace(/\r?\n$/, '')
  if (secret !== '') return secret
  throw new JobyardError('usage-invalid', `${question.replace(/:\s*$/, '')}: nothing was given.`, {
    hint: typed ? 'Type or paste it and press Enter.' : 'Pipe it to standard input, or run this on a terminal.',
  })
}

/** Asks a question that only a "y" answers with yes. False when nobody can be asked. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const { stdin, stderr } = terminal
  if (stdin.isTTY !== true) return false
  await write(stderr, `${question} [y/N] `)
  const line = await new Promise<string>((resolve) => {
    const take = (chunk: Buffer | string): void => resolve(String(chunk))
    stdin.once('data', take)
    stdin.once('end', () => resolve(''))
    stdin.resume()
  })
  stdin.pause()
  return /^y(es)?\s*$/i.test(line)
}

/** Reads a line in raw mode, where nothing is echoed and the keys that edit or end it come as characters. */
async function readHidden({ stdin, stderr }: Terminal): Promise<string> {
  stdin.setRawMode?.(true)
  stdin.resume()
  try {
    return await new Promise<string>((resolve, reject) => {
      let line = ''
      const take = (chunk: Buffer | string): void => {
        for (const key of String(chunk)) {
          const done = pressed(key)
          if (done === 'enter') finish(() => resolve(line))
          else if (done === 'cancel') finish(() => reject(new Interrupted()))
          else if (done === 'back') line = [...line].slice(0, -1).join('')
          else if (done === 'clear') line = ''
          else if (key >= ' ') line += key
          if (done === 'enter' || done === 'cancel') return
        }
      }
      const end = (): void => finish(() => resolve(line))
      const finish = (settle: () => void): void => {
        stdin.off('data', take)
        stdin.off('end', end)
        settle()
      }
      stdin.on('data', take)
      stdin.on('end', end)
    })
  } finally {
    stdin.setRawMode?.(false)
    stdin.pause()
    await write(stderr, '\n')
  }
}

function pressed(key: string): 'enter' | 'cancel' | 'back' | 'clear' | undefined {
  switch (key) {
    case '\r':
    case '\n':
    case '\u0004':
      return 'enter'
    case '\u0003':
      return 'cancel'
    case '\u007f':
    case '\b':
      return 'back'
    case '\u0015':
      return 'clear'
    default:
      return undefined
  }
}
