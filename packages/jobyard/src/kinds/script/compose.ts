import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveLimits } from './archive-limits.ts'
import { NameRegister, splitEntryName, tooLarge } from './archive-names.ts'
import { quoteName } from './names.ts'
import type { PackageFile, PackageTree } from './package-tree.ts'

/** A file that a package is to have, and where its bytes are. */
export interface PackagePart extends PackageFile {
  /** The bytes, or the absolute path of a file of the server's own, which nobody changes meanwhile. */
  readonly from: string | Uint8Array
}

/** What a package is to be made of. */
export interface PackageParts {
  readonly files: readonly PackagePart[]
  readonly folders: readonly string[]
}

/**
 * Checks what a package is to be made of by the rules and limits of archives. Gives back the folders, those that are only
 * implied by names too, outermost first. Throws 'archive-unsafe' and 'archive-too-large'.
 */
export function checkParts({ files, folders }: PackageParts, limits: ArchiveLimits): string[] {
  const { entries, fileBytes, totalBytes } = limits
  if (files.length + folders.length > entries) throw tooLarge(`The job has more than ${entries} files and folders`)
  const names = new NameRegister(limits)
  const made = folders.flatMap((folder) => names.addFolder(splitEntryName(folder, limits)))
  let bytes = 0
  for (const file of files) {
    made.push(...names.addFile(splitEntryName(file.path, limits)))
    if (file.bytes > fileBytes) {
      throw tooLarge(`The file ${quoteName(file.path)} is larger than ${fileBytes} bytes`, file.path)
    }
    bytes += file.bytes
  }
  if (bytes > totalBytes) throw tooLarge(`The files of the job have more than ${totalBytes} bytes together`)
  return made
}

/** Makes the tree of a package of its parts in `folder`, which must not exist yet. Throws what {@link checkParts} throws. */
export async function composeFolder(parts: PackageParts, folder: string, limits: ArchiveLimits): Promise<PackageTree> {
  const folders = checkParts(parts, limits)
  for (const name of ['', ...folders]) {
    await mkdir(join(folder, name))
    await chmod(join(folder, name), 0o755)
  }
  const files: PackageFile[] = []
  for (const { from, ...file } of parts.files) {
    const target = join(folder, file.path)
    if (typeof from !== 'string') await writeFile(target, from, { flag: 'wx' })
    else await copyFile(from, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await using handle = await open(target, 'r+')
    await handle.chmod(file.executable ? 0o755 : 0o644)
    await handle.utimes(file.modified / 1000, file.modified / 1000)
    files.push(file)
  }
  return { files, folders }
}
