import { JobyardError } from '../../domain/errors.ts'
import type { Bearer } from '../../services/auth/bearer.ts'
import type { ServiceContext } from '../../services/context.ts'
import type { CollectionRow } from '../../store/procedures/collections.ts'

/**
 * The collection that is the site of a request to Kudu: the one that is called like the first part of the host, as in
 * `shop.scm.example.com`; else the only one of the token; else the default one. A host that names a collection which the
 * token is not good for is refused as a wrong token is: 'token-invalid'.
 */
export async function siteOfHost(context: ServiceContext, bearer: Bearer, host: string): Promise<CollectionRow> {
  const { directory, services } = context
  const label = /^([a-z][\w-]*|\d+[a-z-][\w-]*)(?=[.:]|$)/i.exec(host)?.[1]?.toLowerCase()
  const named = (await services.store.read('listCollections', undefined)).find(
    ({ name }) => name.toLowerCase() === label,
  )
  if (named === undefined) return await directory.requireCollection(bearer, undefined)
  if (bearer.collectionId === null || bearer.collectionId === named.id) return named
  throw new JobyardError('token-invalid', `The token ${bearer.name} is not good for ${named.name}.`)
}
