import type { SiteFile, SiteFolder } from './tree.ts'

/** When something was made and last changed, in epoch milliseconds. */
export interface Times {
  readonly modifiedAt: number
  readonly createdAt: number
}

/** A folder that is no place of any disk. Names in it are the same in any case, unless `find` says otherwise. */
export function viewOf(
  name: string,
  { modifiedAt, createdAt }: Times,
  list: () => AsyncIterable<SiteFile | SiteFolder> | Iterable<SiteFile | SiteFolder>,
  find?: SiteFolder['find'],
): SiteFolder {
  return {
    type: 'folder',
    name,
    modifiedAt,
    createdAt,
    async *list() {
      yield* list()
    },
    find: find ?? ((wanted) => findIn(list(), wanted)),
  }
}

async function findIn(
  entries: AsyncIterable<SiteFile | SiteFolder> | Iterable<SiteFile | SiteFolder>,
  wanted: string,
): Promise<SiteFile | SiteFolder | null> {
  for await (const entry of entries) if (entry.name.toLowerCase() === wanted.toLowerCase()) return entry
  return null
}

/** Two folders as one: of two things of the same name the first is shown, and of two folders both. */
export function unionOf(first: SiteFolder, second: SiteFolder | null): SiteFolder {
  if (second === null) return first
  const join = (one: SiteFile | SiteFolder | null, other: SiteFile | SiteFolder | null) =>
    one?.type === 'folder' && other?.type === 'folder' ? unionOf(one, other) : (one ?? other)
  return {
    type: 'folder',
    name: first.name,
    modifiedAt: Math.max(first.modifiedAt, second.modifiedAt),
    createdAt: Math.min(first.createdAt, second.createdAt),
    async *list() {
      const told = new Set<string>()
      for await (const entry of first.list()) {
        told.add(entry.name)
        yield entry
      }
      for await (const entry of second.list()) if (!told.has(entry.name)) yield entry
    },
    find: async (name) => join(await first.find(name), await second.find(name)),
  }
}
