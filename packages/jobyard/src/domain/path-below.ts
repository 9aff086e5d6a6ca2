import { isAbsolute, relative, sep } from 'node:path'

/** Whether a path is that of a folder or of something below it; both absolute, or both from the same folder. Links are not looked at. */
export function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
