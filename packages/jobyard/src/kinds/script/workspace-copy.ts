import { lstatSync } from 'node:fs'
import { chmod, chown, copyFile, mkdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { runLimited } from './limited.ts'
import { quoteName } from './names.ts'
import type { PackageFile, PackageTree } from './package-tree.ts'
import type { JobsUser } from './run-as.ts'

/** As many files as are copied at a time. */
const COPIED_AT_ONCE = 8

/**
 * Copies a package's tree from `source` into the new folder `target`: real copies with times and executable bits, all of
 * them the jobs' user's, and nobody else's to look into. `target` must lie where only the server can come, or the jobs'
 * user could put links in its way.
 */
export async function copyTree(source: string, target: string, tree: PackageTree, user: JobsUser): Promise<void> {
  await mkdir(target, { mode: 0o700 })
  // Sorted, so that a folder comes before those in it.
  for (const folder of tree.folders) {
    await mkdir(join(target, folder))
    await chmod(join(target, folder), 0o755)
  }
  await runLimited(tree.files, COPIED_AT_ONCE, async ({ path, modified }) => {
    const copy = join(target, path)
    await copyFile(join(source, path), copy)
    await utimes(copy, modified / 1000, modified / 1000)
    if (!user.own) await chown(copy, user.uid, user.gid)
  })
  if (user.own) return
  await runLimited(tree.folders, COPIED_AT_ONCE, (folder) => chown(join(target, folder), user.uid, user.gid))
  await chown(target, user.uid, user.gid)
}

/** As many files as are looked at in one go: about a third of a millisecond. */
const LOOKED_AT_ONCE = 100

/** The most changes that are told, since one is enough to copy everything anew. */
const TOLD = 10

/**
 * What differs in a working copy from its package, as lines for the log; empty when nothing does. As Kudu does, it
 * compares names and times, and sizes besides; files that the package does not have may come and go. Synchronous calls,
 * which for what is in the system's cache take a tenth of the time of others; the loop gets its turn in between. `more`
 * says what else is wrong with a file.
 */
export async function findChanges(
  folder: string,
  tree: PackageTree,
  more: (file: PackageFile) => string | undefined = () => undefined,
): Promise<string[]> {
  const changes: string[] = []
  for (const [index, file] of tree.files.entries()) {
    if (index % LOOKED_AT_ONCE === LOOKED_AT_ONCE - 1) await yieldToLoop()
    const change = changeOf(folder, file) ?? more(file)
    if (change === undefined) continue
    changes.push(changeLine(file.path, change))
    if (changes.length === TOLD) return changes
  }
  return changes
}

/**
 * What differs in the working copy of a former package from the one that takes its place, as {@link findChanges} has it of
 * the same package; and what the former one had and this one has not.
 */
export async function findReplaced(folder: string, former: PackageTree, tree: PackageTree): Promise<string[]> {
  const before = new Map(former.files.map(({ path, sha256 }) => [path, sha256]))
  const isAnother = ({ path, sha256 }: PackageFile) => before.has(path) && before.get(path) !== sha256
  const changes = await findChanges(folder, tree, (file) =>
    isAnother(file) ? 'is another one in the package' : undefined,
  )
  const kept = new Set(tree.files.map(({ path }) => path))
  const gone = former.files.filter(({ path }) => !kept.has(path))
  return [...changes, ...gone.map(({ path }) => changeLine(path, 'is no longer in the package'))].slice(0, TOLD)
}

/** Programs look for how it begins, so it is kept word for word. */
function changeLine(path: string, change: string): string {
  return `Job directory change detected: Job file '${quoteName(path).slice(1, -1)}' ${change}.`
}

function changeOf(folder: string, file: PackageFile): string | undefined {
  const stats = lstatSync(`${folder}/${file.path}`, { throwIfNoEntry: false })
  if (stats === undefined) return 'is missing in the working folder'
  if (!stats.isFile()) return 'is no longer a file in the working folder'
  if (stats.size !== file.bytes) return `has ${stats.size} bytes in the working folder and ${file.bytes} in the package`
  // Times pass through a floating point number of seconds, so their last digits are not exact.
  return Math.abs(stats.mtimeMs - file.modified) < 1
    ? undefined
    : 'has another time in the working folder than in the package'
}
