import { realpath } from 'node:fs/promises'
import { parse, relative, sep } from 'node:path'
import { isBelow } from '../../domain/path-below.ts'
import { type HeldFolder, holdFolder } from '../../kinds/script/held-folder.ts'

/**
 * Holds a folder on the way to jobs or a job's, whose path is one without links below the watched folder `top`: where a link
 * has come into it meanwhile, nothing is held. Throws what {@link holdFolder} throws.
 */
export async function holdOnWay(top: string, path: string): Promise<HeldFolder> {
  if (isBelow(path, top)) return await holdFolder(await realpath(top), partsOf(relative(top, path)))
  // Links lead to paths without links.
  const { root } = parse(path)
  return await holdFolder(root, partsOf(path.slice(root.length)))
}

function partsOf(path: string): string[] {
  return path.split(sep).filter((part) => part !== '')
}
