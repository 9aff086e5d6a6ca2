import { countSlips } from './spelling.ts'

/** How many names are offered at most. */
const MOST = 3
/** Slips that a name may have and still be taken for another. */
const SLIPS = 2

/**
 * IANA names that someone may have meant: the same place in another region (`Berlin`, `Germany/Berlin`), or one that
 * differs by one or two letters. At most three, best first; empty when nothing is near. `lookUp` gives the database's
 * spelling of a name: it knows links such as `Asia/Kolkata` that the list of zones leaves out.
 */
export function suggestZones(name: string, lookUp: (name: string) => string | undefined): string[] {
  const wanted = simplify(name)
  const place = wanted.split('/').at(-1) ?? ''
  if (place.length < 3) return []
  const zones = Intl.supportedValuesOf('timeZone')
  const regions = new Set(zones.map((zone) => zone.split('/')[0]))
  const moved = [...regions].map((region) => lookUp(`${region}/${place}`))
  const samePlace = [...moved, ...zones.filter((zone) => simplify(zone).split('/').at(-1) === place)]
  const found = [...new Set(samePlace.filter((zone) => zone !== undefined))]
  if (found.length > 0) return found.slice(0, MOST)
  return zones
    .map((zone) => ({ zone, distance: distanceTo(simplify(zone), wanted, place) }))
    .filter(({ distance }) => distance <= SLIPS && distance * 3 < place.length)
    .sort((one, other) => one.distance - other.distance)
    .slice(0, MOST)
    .map(({ zone }) => zone)
}

function distanceTo(zone: string, wanted: string, place: string): number {
  if (wanted.includes('/')) return countSlips(zone, wanted, SLIPS)
  return countSlips(zone.split('/').at(-1) ?? '', place, SLIPS)
}

function simplify(name: string): string {
  return name.trim().toLowerCase().replaceAll(/[ -]/g, '_')
}
