import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { tooLarge } from './archive-names.ts'
import { discoverScript } from './discover.ts'
import type { InterpreterPlaces } from './interpreters.ts'
import { quoteName } from './names.ts'
import type { PackageTree } from './package-tree.ts'

/** What a single script is made a package with. */
export interface ScriptMeans {
  /** The time of the file in the package, epoch milliseconds. */
  readonly modified: number
  /** Bytes that it may have. */
  readonly mostBytes: number
  /** Where interpreters are looked for. */
  readonly interpreters: InterpreterPlaces
}

/** Makes `folder` the tree of a package that is one script called `name`. Throws what `discoverScript` throws, and 'archive-too-large'. */
export async function copyScript(path: string, folder: string, name: string, means: ScriptMeans): Promise<PackageTree> {
  const { modified, mostBytes, interpreters } = means
  const file = { path: name, bytes: 0, executable: false, modified, sha256: '' }
  // What is no script is refused before any of it is copied.
  discoverScript({ files: [file], folders: [] }, interpreters)
  await mkdir(folder)
  await chmod(folder, 0o755)
  const hash = createHash('sha256')
  let bytes = 0
  await using handle = await open(join(folder, name), 'wx')
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) throw tooLarge(`The file ${quoteName(name)} is larger than ${mostBytes} bytes`, name)
    hash.update(chunk)
    await handle.writeFile(chunk)
  }
  await handle.chmod(0o644)
  await handle.utimes(modified / 1000, modified / 1000)
  return { files: [{ ...file, bytes, sha256: hash.digest('hex') }], folders: [] }
}

/** Whether a file is a zip archive by its first bytes. */
export async function beginsLikeZip(path: string): Promise<boolean> {
  await using handle = await open(path, 'r')
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
  const begin = buffer.toString('latin1', 0, bytesRead)
  // The second one is an archive without any entry.
  return begin === 'PK\x03\x04' || begin === 'PK\x05\x06'
}
