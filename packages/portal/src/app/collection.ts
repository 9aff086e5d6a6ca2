import { useQuery } from '@tanstack/react-query'
import { collectionsQuery, meQuery } from './queries.ts'

/** A page of one collection: which one an address may name. */
export interface CollectionSearch {
  readonly collection?: string | undefined
}

/** What an address says of a collection. A name of digits alone arrives as a number. */
export function searchCollection({ collection }: Record<string, unknown>): CollectionSearch {
  const name = typeof collection === 'number' ? String(collection) : collection
  return { collection: typeof name === 'string' && name !== '' ? name : undefined }
}

/** The collections that there are, and the one that is meant: the one asked for, else the usual one. */
export function useCollection(asked: string | undefined): {
  readonly names: readonly string[]
  /** Undefined until it is known. */
  readonly name: string | undefined
} {
  const { data: me } = useQuery(meQuery)
  const { data, isError } = useQuery(collectionsQuery)
  const names = data?.map((each) => each.name) ?? []
  if (asked !== undefined) {
    const found = names.find((each) => each.toLowerCase() === asked.toLowerCase())
    return { names, name: found ?? (data === undefined && !isError ? undefined : asked) }
  }
  const usual = me?.collection ?? (names.includes('default') ? 'default' : names[0])
  return { names, name: usual ?? (isError ? 'default' : undefined) }
}
