import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, lstat, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveLimits } from './archive-limits.ts'
import { NameRegister, splitEntryName, tooLarge } from './archive-names.ts'
import { quoteName } from './names.ts'
import type { PackageFile, PackageTree } from './package-tree.ts'
import type { ScriptWarning } from './warning.ts'

/** A folder taken in: what it consists of, and what of it was left out. */
export interface TakenFolder extends PackageTree {
  readonly warnings: readonly ScriptWarning[]
}

/** Links that a warning names. */
const NAMED = 5

/**
 * Copies a folder of somebody else's into a new one, under the rules and limits of archives. Links are left out, wherever
 * they lead, and so are sockets, pipes and devices: a warning names them. Nothing is opened through a link, not even one
 * that takes a file's place meanwhile. Throws 'archive-unsafe' and 'archive-too-large'.
 */
export async function copyFolder(source: string, target: string, limits: ArchiveLimits): Promise<TakenFolder> {
  const copy = new Copy(source, target, limits)
  await copy.folder([])
  return copy.taken()
}

class Copy {
  readonly #source: string
  readonly #target: string
  readonly #limits: ArchiveLimits
  readonly #names: NameRegister
  readonly #files: PackageFile[] = []
  readonly #folders: string[] = []
  readonly #leftOut: string[] = []
  #entries = 0
  #bytes = 0

  constructor(source: string, target: string, limits: ArchiveLimits) {
    this.#source = source
    this.#target = target
    this.#limits = limits
    this.#names = new NameRegister(limits)
  }

  taken(): TakenFolder {
    const names = this.#leftOut.slice(0, NAMED).map(quoteName).join(', ')
    const more = this.#leftOut.length > NAMED ? ` and ${this.#leftOut.length - NAMED} more` : ''
    const message = `Links and special files are not deployed: ${names}${more}.`
    const warnings = this.#leftOut.length === 0 ? [] : [{ code: 'links-left-out', message }]
    return { files: this.#files, folders: this.#folders, warnings }
  }

  async folder(parts: readonly string[]): Promise<void> {
    const target = join(this.#target, ...parts)
    await mkdir(target)
    await chmod(target, 0o755)
    const source = join(this.#source, ...parts)
    // What was a folder a moment ago may be a link by now.
    if (!(await lstat(source)).isDirectory()) return this.#leaveOut(parts)
    for (const entry of await readdir(source, { withFileTypes: true })) {
      if (++this.#entries > this.#limits.entries) {
        throw tooLarge(`The folder has more than ${this.#limits.entries} files and folders`)
      }
      const name = [...parts, entry.name].join('/')
      const named = splitEntryName(name, this.#limits)
      if (entry.isDirectory()) {
        this.#folders.push(...this.#names.addFolder(named))
        await this.folder(named)
      } else if (entry.isFile()) {
        this.#names.addFile(named)
        await this.#file(named)
      } else {
        this.#leaveOut(named)
      }
    }
  }

  #leaveOut(parts: readonly string[]): void {
    this.#leftOut.push(parts.join('/'))
  }

  async #file(parts: readonly string[]): Promise<void> {
    const path = parts.join('/')
    await using from = await open(join(this.#source, path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    const found = await from.stat()
    if (!found.isFile()) return this.#leaveOut(parts)
    const executable = (found.mode & 0o100) !== 0
    const modified = Math.max(0, Math.round(found.mtimeMs))
    await using to = await open(join(this.#target, path), 'wx')
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of from.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      this.#bytes += chunk.length
      this.#checkSize(path, bytes)
      hash.update(chunk)
      await to.writeFile(chunk)
    }
    await to.chmod(executable ? 0o755 : 0o644)
    await to.utimes(modified / 1000, modified / 1000)
    this.#files.push({ path, bytes, executable, modified, sha256: hash.digest('hex') })
  }

  #checkSize(path: string, bytes: number): void {
    const { fileBytes, totalBytes } = this.#limits
    if (bytes > fileBytes) throw tooLarge(`The file ${quoteName(path)} is larger than ${fileBytes} bytes`, path)
    if (this.#bytes > totalBytes) throw tooLarge(`The files of the folder have more than ${totalBytes} bytes together`)
  }
}
