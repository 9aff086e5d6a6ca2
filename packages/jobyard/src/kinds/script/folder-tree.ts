import { createHash } from 'node:crypto'
import { chmod, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveLimits } from './archive-limits.ts'
import { NameRegister, splitEntryName, tooLarge } from './archive-names.ts'
import { type HeldFolder, MOST_LEVELS } from './held-folder.ts'
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
 * that takes the place of a file or folder meanwhile: that ends the copying with an error of the system. Throws
 * 'archive-unsafe' and 'archive-too-large'.
 */
export async function copyFolder(source: HeldFolder, target: string, limits: ArchiveLimits): Promise<TakenFolder> {
  const copy = new Copy(target, limits)
  await copy.folder(source, [])
  return copy.taken()
}

class Copy {
  readonly #target: string
  readonly #limits: ArchiveLimits
  readonly #names: NameRegister
  readonly #files: PackageFile[] = []
  readonly #folders: string[] = []
  readonly #leftOut: string[] = []
  #entries = 0
  #bytes = 0

  constructor(target: string, limits: ArchiveLimits) {
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

  async folder(source: HeldFolder, parts: readonly string[]): Promise<void> {
    if (parts.length > MOST_LEVELS) throw tooLarge(`The folder has more than ${MOST_LEVELS} folders in one another`)
    const target = join(this.#target, ...parts)
    await mkdir(target)
    await chmod(target, 0o755)
    for (const entry of await source.entries()) {
      if (++this.#entries > this.#limits.entries) {
        throw tooLarge(`The folder has more than ${this.#limits.entries} files and folders`)
      }
      const named = splitEntryName([...parts, entry.name].join('/'), this.#limits)
      if (entry.isDirectory()) {
        this.#folders.push(...this.#names.addFolder(named))
        await using below = await source.openFolder(entry.name)
        await this.folder(below, named)
      } else if (entry.isFile()) {
        this.#names.addFile(named)
        await this.#file(source, entry.name, named)
      } else {
        this.#leaveOut(named)
      }
    }
  }

  #leaveOut(parts: readonly string[]): void {
    this.#leftOut.push(parts.join('/'))
  }

  async #file(source: HeldFolder, name: string, parts: readonly string[]): Promise<void> {
    const path = parts.join('/')
    await using from = await source.openFile(name)
    if (from === null) return this.#leaveOut(parts)
    const found = await from.stat()
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
