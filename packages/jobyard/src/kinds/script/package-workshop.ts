import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import type { Ids } from '../../domain/ids.ts'
import { filesFolder } from './package-disk.ts'
import { isSystemError } from './system-error.ts'

/** Where packages are made and unmade, so that nothing half done has a final name. */
const TEMPORARY = '.temporary'

/** What another instance has not touched for so long, in milliseconds, it left behind: one day. */
const ABANDONED_MS = 86_400_000

/** What a workshop works with. */
export interface WorkshopOptions {
  /** Where packages are kept. */
  readonly folder: string
  readonly clock: Pick<Clock, 'now'>
  readonly ids: Ids
  readonly instance?: string
}

/**
 * Makes names for folders in which packages are made: `.temporary/<of the instance>.<id>`. Instances may share the folder of
 * packages, and what is another one's may well be in the making.
 */
export class PackageWorkshop {
  readonly #options: WorkshopOptions
  readonly #folder: string
  readonly #prefix: string

  constructor(options: WorkshopOptions) {
    this.#options = options
    this.#folder = join(options.folder, TEMPORARY)
    // Names of instances may hold what names of folders may not.
    const hash = createHash('sha256').update(options.instance ?? '')
    this.#prefix = `${hash.digest('hex').slice(0, 16)}.`
  }

  /** Removes what this instance left half done, and what others have not touched for a day. Not while a package is made. */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name)
      if (name.startsWith(this.#prefix) || (await this.#isAbandoned(path))) {
        await rm(path, { recursive: true, force: true })
      }
    }
  }

  /** A new name, for what is made or unmade under it. */
  place(): string {
    return join(this.#folder, this.#prefix + this.#options.ids.next())
  }

  async #isAbandoned(path: string): Promise<boolean> {
    const times = await Promise.all([path, filesFolder(path)].map(changeOf))
    return this.#options.clock.now() - Math.max(...times) >= ABANDONED_MS
  }
}

/** When something was last changed, epoch milliseconds; 0 when it is not there. */
async function changeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).ctimeMs
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return 0
    throw error
  }
}
