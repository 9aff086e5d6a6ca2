import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where the built portal lies: beside the compiled program, or in its package of the checkout. */
const PLACES = ['../portal/', '../../../portal/dist/'].map((place) => new URL(place, import.meta.url))

/** The folder of the built portal; null when it was not built. */
export function findPortal(): string | null {
  const place = PLACES.find((each) => existsSync(new URL('index.html', each)))
  return place === undefined ? null : fileURLToPath(place)
}
