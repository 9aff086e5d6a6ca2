import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, symlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Entry } from 'yauzl'
import { JobyardError } from '../../domain/errors.ts'
import { decodeEntryName, type OpenArchive, openArchive } from '../../kinds/script/archive-reader.ts'
import { isSystemError } from '../../kinds/script/system-error.ts'
import { type BackupEntry, MANIFEST, type Manifest, readManifest } from './manifest.ts'

/** The largest manifest that is read, in bytes: some millions of entries. */
const LARGEST_MANIFEST = 1024 * 1024 * 1024
/** The longest that a symbolic link may point, in bytes. */
const LONGEST_LINK = 4096

/** A backup that is open for reading. */
export interface OpenBackup extends AsyncDisposable {
  readonly manifest: Manifest
  /** Writes everything into a folder, each file held against its hash. Throws 'backup-invalid'. */
  unpack(folder: string, onWritten: (bytes: number) => void): Promise<void>
}

/** Opens a backup and reads its manifest. Throws 'backup-invalid' and 'backup-newer'. */
export async function openBackup(path: string): Promise<OpenBackup> {
  const archive = await openArchive(path).catch((error: unknown) => {
    if (!(error instanceof JobyardError)) throw error
    throw new JobyardError('backup-invalid', `${path} is no backup: ${error.message}`, { cause: error })
  })
  try {
    const entries = await listEntries(archive)
    const entry = entries.get(MANIFEST)
    if (entry === undefined) throw new JobyardError('backup-invalid', `${path} is no backup: it has no ${MANIFEST}.`)
    const text = await readText(await archive.zip.openReadStreamPromise(entry), LARGEST_MANIFEST)
    const manifest = readManifest(text)
    requireSame(manifest, entries)
    return {
      manifest,
      unpack: (folder, onWritten) => unpack(archive, { manifest, entries, folder, onWritten }),
      [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
    }
  } catch (error) {
    await archive[Symbol.asyncDispose]()
    throw explain(error, `${path} is damaged`)
  }
}

/** What is neither ours nor the system's was found wrong with the zip by yauzl or zlib. */
function explain(error: unknown, what: string): unknown {
  if (error instanceof JobyardError || isSystemError(error) || !(error instanceof Error)) return error
  return new JobyardError('backup-invalid', `${what}: ${error.message.replace(/\.$/, '')}.`, { cause: error })
}

async function listEntries({ zip }: OpenArchive): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  for await (const entry of zip.eachEntry()) {
    const name = decodeEntryName(entry).replace(/\/$/, '')
    if (entries.has(name)) throw new JobyardError('backup-invalid', `The backup holds ${name} twice.`)
    entries.set(name, entry)
  }
  return entries
}

/** What vanished while the backup was made stands in the zip, empty, and not in the manifest; nothing else may differ. */
function requireSame({ entries: said }: Manifest, entries: ReadonlyMap<string, Entry>): void {
  const missing = said.find(({ path }) => !entries.has(path))
  if (missing === undefined) return
  throw new JobyardError('backup-invalid', `The backup lacks ${missing.path}.`)
}

interface Unpacking {
  readonly manifest: Manifest
  readonly entries: ReadonlyMap<string, Entry>
  readonly folder: string
  readonly onWritten: (bytes: number) => void
}

async function unpack(archive: OpenArchive, work: Unpacking): Promise<void> {
  const { manifest, entries, folder } = work
  const links: [string, string][] = []
  const folders: [string, BackupEntry][] = []
  let written = 0
  for (const said of manifest.entries) {
    const target = join(folder, said.path)
    const entry = entries.get(said.path)
    if (entry === undefined) continue
    if (said.type === 'folder') {
      await mkdir(target, { recursive: true, mode: 0o700 })
      folders.push([target, said])
      continue
    }
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    try {
      // It begins to read at once: whoever opens it must listen before anything else is waited for.
      const stream = await archive.zip.openReadStreamPromise(entry)
      if (said.type === 'link') {
        links.push([target, requireHash(said, await readText(stream, LONGEST_LINK))])
        continue
      }
      await writeFile(stream, target, said)
    } catch (error) {
      throw explain(error, `${said.path} in the backup is damaged`)
    }
    written += said.bytes
    work.onWritten(written)
  }
  // Links come last: nothing is ever written through one. Folders get their modes when they are full.
  for (const [path, target] of links) await symlink(target, path)
  for (const [path, said] of folders.toReversed()) await settle(path, said)
}

async function writeFile(stream: Readable, target: string, said: BackupEntry): Promise<void> {
  const hash = createHash('sha256')
  let bytes = 0
  const check = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length
      hash.update(chunk)
      next(bytes > said.bytes ? damaged(said) : null, chunk)
    },
    flush: (end) => end(bytes === said.bytes && hash.digest('hex') === said.sha256 ? null : damaged(said)),
  })
  await pipeline(stream, check, createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true }))
  await settle(target, said)
}

async function settle(path: string, { mode, modified }: BackupEntry): Promise<void> {
  await chmod(path, mode & 0o777)
  await utimes(path, modified / 1000, modified / 1000)
}

function requireHash(said: BackupEntry, text: string): string {
  if (createHash('sha256').update(text).digest('hex') !== said.sha256) throw damaged(said)
  return text
}

function damaged({ path }: BackupEntry): JobyardError {
  return new JobyardError('backup-invalid', `${path} in the backup is damaged.`)
}

async function readText(stream: Readable, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > most) throw new JobyardError('backup-invalid', 'The manifest of the backup is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
