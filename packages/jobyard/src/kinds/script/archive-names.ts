import { JobyardError } from '../../domain/errors.ts'
import type { ArchiveLimits } from './archive-limits.ts'
import { quoteName } from './names.ts'

/** What file systems take for one part of a name, in bytes of UTF-8. */
const LONGEST_PART = 255

/** The error for a name or entry that is refused with its whole archive. */
export function unsafeEntry(name: string, rule: string): JobyardError {
  return new JobyardError('archive-unsafe', `The entry ${quoteName(name)} of the archive ${rule}.`, {
    field: 'package',
    data: { entry: name },
  })
}

/** The error for an archive that exceeds a limit; `what` is a whole sentence without its full stop. */
export function tooLarge(what: string, entry?: string): JobyardError {
  const data = entry === undefined ? {} : { data: { entry } }
  return new JobyardError('archive-too-large', `${what}.`, { field: 'package', ...data })
}

/**
 * The parts of an entry's name, or an empty list for the archive's own top folder. Parts that say nothing (`.` and
 * empty ones) are dropped. Throws 'archive-unsafe' for a name that leaves its folder or means something else on
 * another system, and 'archive-too-large' for one that is too long.
 */
export function splitEntryName(name: string, limits: Pick<ArchiveLimits, 'nameLength'>): string[] {
  const rule = brokenRule(name)
  if (rule !== undefined) throw unsafeEntry(name, rule)
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  const length = parts.join('/').length
  if (length > limits.nameLength) {
    throw tooLarge(
      `The name of the entry ${quoteName(name)} has ${length} characters; at most ${limits.nameLength} are allowed`,
      name,
    )
  }
  const long = parts.find((part) => Buffer.byteLength(part) > LONGEST_PART)
  if (long !== undefined) {
    throw tooLarge(`The entry ${quoteName(name)} has a part of more than ${LONGEST_PART} bytes in its name`, name)
  }
  return parts
}

function brokenRule(name: string): string | undefined {
  if (name === '') return 'has no name'
  if (name.includes('\0')) return 'has a NUL in its name'
  if (/\p{Cc}/u.test(name)) return 'has a control character in its name'
  if (name.includes('\\')) return 'has a backslash in its name; folders are separated by /'
  if (name.startsWith('/')) return 'has an absolute name'
  if (/(?:^|\/)[A-Za-z]:/.test(name)) return 'has a drive letter in its name'
  if (name.split('/').includes('..')) return 'leads out of its folder with ".."'
  if (!name.isWellFormed() || name.includes('\u{fffd}')) return 'has a name that is not valid Unicode'
  return undefined
}

/**
 * A name as two names are compared, so that what clashes on any common file system is equal: NFC, and folded as Unicode
 * folds case in full, where `ß` is `ss`. JavaScript has no such folding, but upper case of lower case is the same, except
 * that it also makes an `I` of the dotless `ı`, which no file system takes for an `i`.
 */
export function foldName(name: string): string {
  const parts = name.normalize('NFC').split('ı')
  return parts
    .map((part) => part.toLowerCase().toUpperCase())
    .join('ı')
    .normalize('NFC')
}

interface Taken {
  /** The name as it was first written. */
  readonly name: string
  readonly folder: boolean
  /** Whether an entry of its own named it, or only the names of others. */
  named: boolean
}

/** The names given out so far in one archive. It refuses two that are the same on a file system that ignores case. */
export class NameRegister {
  readonly #taken = new Map<string, Taken>()
  readonly #maximum: number
  #implied = 0

  constructor(limits: Pick<ArchiveLimits, 'entries'>) {
    this.#maximum = limits.entries
  }

  /** Takes a folder and all above it. Returns those that are new, outermost first. A folder may be named twice. */
  addFolder(parts: readonly string[]): string[] {
    const made = this.#addParents(parts, parts.length)
    const taken = this.#taken.get(foldName(parts.join('/')))
    if (taken !== undefined && !taken.named) {
      taken.named = true
      this.#implied--
    }
    return made
  }

  /** Takes a file and the folders above it. Returns the folders that are new, outermost first. */
  addFile(parts: readonly string[]): string[] {
    const made = this.#addParents(parts, parts.length - 1)
    const name = parts.join('/')
    const key = foldName(name)
    const taken = this.#taken.get(key)
    if (taken !== undefined) throw clash(name, taken, false)
    this.#taken.set(key, { name, folder: false, named: true })
    return made
  }

  #addParents(parts: readonly string[], depth: number): string[] {
    const made: string[] = []
    for (let end = 1; end <= depth; end++) {
      const name = parts.slice(0, end).join('/')
      const key = foldName(name)
      const taken = this.#taken.get(key)
      if (taken !== undefined) {
        if (!taken.folder || taken.name !== name) throw clash(name, taken, true)
        continue
      }
      this.#taken.set(key, { name, folder: true, named: false })
      made.push(name)
      // Names alone can ask for a hundred folders each, which no other limit counts.
      if (++this.#implied > this.#maximum) {
        throw tooLarge(`The names of the archive's entries make more than ${this.#maximum} folders`, parts.join('/'))
      }
    }
    return made
  }
}

function clash(name: string, taken: Taken, folder: boolean): JobyardError {
  if (taken.folder !== folder) return unsafeEntry(name, 'is the name of a file and of a folder')
  if (taken.name === name) return unsafeEntry(name, 'comes twice')
  return unsafeEntry(
    name,
    `differs from ${quoteName(taken.name)} only in upper and lower case or in how a letter is written`,
  )
}
