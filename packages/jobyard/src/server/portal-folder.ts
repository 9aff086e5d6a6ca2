import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hashPortalSources, readPortalStamp } from './portal-sources.ts'

/** Where the built portal lies: beside the compiled program, or in its package of the checkout. */
const PLACES = ['../portal/', '../../../portal/dist/'].map((place) => new URL(place, import.meta.url))

/** Top of the checkout, where this is one. */
const CHECKOUT = fileURLToPath(new URL('../../../../', import.meta.url))

/** The folder of the built portal; null when it was not built. */
export function findPortal(): string | null {
  const place = PLACES.find((each) => existsSync(new URL('index.html', each)))
  return place === undefined ? null : fileURLToPath(place)
}

/**
 * What the owner of a server in a checkout should know of its pages: that they are missing, or older than the program.
 * Undefined where all is well, or where what they are made of is not there.
 */
export async function checkPortal(root = CHECKOUT): Promise<string | undefined> {
  const portal = join(root, 'packages', 'portal')
  if (!existsSync(join(portal, 'src'))) return undefined
  const built = await readPortalStamp(join(portal, 'dist'))
  const how = 'Run `npm ci && npm run portal` in the checkout, then start the server again.'
  if (built === undefined) return `The pages of the portal are not built; a plain page stands in their place. ${how}`
  if (built === (await hashPortalSources(root))) return undefined
  return `The pages of the portal are older than the program. ${how}`
}
