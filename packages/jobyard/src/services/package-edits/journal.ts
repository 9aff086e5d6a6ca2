import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../kinds/script/system-error.ts'

const JOURNAL = 'journal.jsonl'
const NEXT = 'journal.next'

/**
 * Lines of JSON in a folder. A line counts as a whole or not at all; each is on the disk before whoever wrote it goes on.
 */
export class Journal {
  readonly #folder: string
  readonly #path: string

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, JOURNAL)
  }

  /** Puts these lines in the place of all there are, at once. */
  async replace(lines: readonly object[]): Promise<void> {
    const next = join(this.#folder, NEXT)
    {
      await using handle = await open(next, 'w', 0o600)
      await handle.writeFile(lines.map(textOfLine).join(''))
      await handle.sync()
    }
    await rename(next, this.#path)
    await flushFolder(this.#folder)
  }

  async append(line: object): Promise<void> {
    await using handle = await open(this.#path, 'a', 0o600)
    const { size } = await handle.stat()
    try {
      await handle.appendFile(textOfLine(line))
      await handle.sync()
    } catch (error) {
      // Half a line must not stand before the next one.
      await handle.truncate(size)
      throw error
    }
  }

  /**
   * All lines. A last one that is not whole was being written when the server died, nobody was told that it counts, and it
   * is cut off here. Throws a SyntaxError for any other that cannot be read: the disk is damaged.
   */
  async read(): Promise<unknown[]> {
    const bytes = await bytesOf(this.#path)
    const lines: unknown[] = []
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      try {
        lines.push(JSON.parse(bytes.toString('utf8', start, end)))
      } catch (error) {
        if (bytes.indexOf(10, end + 1) >= 0) throw error
        break
      }
      start = end + 1
    }
    if (start < bytes.length) await cut(this.#path, start)
    return lines
  }

  /** Removes what lies beside it and is none of these. */
  async keepOnly(names: ReadonlySet<string>): Promise<void> {
    const others = (await readdir(this.#folder)).filter((name) => name !== JOURNAL && !names.has(name))
    for (const name of others) await rm(join(this.#folder, name), { recursive: true, force: true })
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}

/** Brings a file to the disk. */
export async function sync(path: string): Promise<void> {
  await using handle: FileHandle = await open(path, 'r+')
  await handle.sync()
}

/** Brings the entries of a folder to the disk. */
export async function flushFolder(path: string): Promise<void> {
  // Windows cannot open folders to flush them.
  if (process.platform === 'win32') return
  await using handle = await open(path, 'r')
  await handle.sync()
}

function textOfLine(line: object): string {
  return `${JSON.stringify(line)}\n`
}

async function cut(path: string, length: number): Promise<void> {
  await using handle = await open(path, 'r+')
  await handle.truncate(length)
  await handle.sync()
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return Buffer.alloc(0)
    throw error
  }
}
