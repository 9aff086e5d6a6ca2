import { JobyardError } from './errors.ts'
import { zoneOfWindows } from './windows-zones.ts'
import { suggestZones } from './zone-names.ts'
import { ZoneOffsets } from './zone-offsets.ts'

/** The zone of a schedule that names none. */
export const DEFAULT_TIME_ZONE = 'UTC'

/** Names of UTC itself, which the time zone database keeps as links. */
const UTC_NAMES = new Set(['UTC', 'ETC/UTC', 'ETC/UCT', 'UCT', 'ETC/UNIVERSAL', 'UNIVERSAL', 'ETC/ZULU', 'ZULU'])

/** Longer than any name; longer texts are not even looked up. */
const LONGEST_NAME = 64

const known = new Map<string, ZoneOffsets>()

/**
 * The IANA name of a time zone, spelled as the time zone database does (`europe/berlin` becomes `Europe/Berlin`, and
 * every name of UTC `UTC`). Links such as `Asia/Calcutta` are kept as they are. A name of Windows, such as `W. Europe
 * Standard Time`, gives the zone that stands for it. Fixed offsets are refused. `field` is the path of the input for the
 * error. Throws JobyardError 'time-zone-unknown' with names that may have been meant.
 */
export function requireZone(name: string, field = 'timeZone'): string {
  if (name === DEFAULT_TIME_ZONE || known.has(name)) return name
  if (UTC_NAMES.has(name.toUpperCase())) return DEFAULT_TIME_ZONE
  const id = lookUp(name) ?? lookUp(zoneOfWindows(name) ?? '')
  if (id === undefined) throw unknownZone(name, field)
  return id
}

/**
 * The clock changes of a zone, or null for UTC, which has none. Kept per zone for the life of the process; there are
 * some 600 names. Throws 'time-zone-unknown'.
 */
export function zoneOffsets(timeZone: string): ZoneOffsets | null {
  if (timeZone === DEFAULT_TIME_ZONE) return null
  const offsets = known.get(timeZone)
  if (offsets !== undefined) return offsets
  const id = requireZone(timeZone)
  if (id === DEFAULT_TIME_ZONE) return null
  const fresh = known.get(id) ?? new ZoneOffsets(id)
  known.set(id, fresh)
  return fresh
}

/** The database's spelling of a name, or undefined. Only letters first: `Temporal` would take fixed offsets too. */
function lookUp(name: string): string | undefined {
  if (name.length > LONGEST_NAME || !/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return undefined
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function unknownZone(name: string, field: string): JobyardError {
  const shown = JSON.stringify(name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name)
  const suggestions = name.length > LONGEST_NAME ? [] : suggestZones(name, lookUp)
  const guess = suggestions.length === 0 ? '' : ` Did you mean ${suggestions.join(', ')}?`
  return new JobyardError('time-zone-unknown', `There is no time zone ${shown}.${guess}`, {
    field,
    ...(guess === '' ? hintFor(name) : { hint: `Write ${suggestions.join(' or ')}.`, data: { suggestions } }),
  })
}

function hintFor(name: string): { hint: string } | Record<string, never> {
  if (/^(UTC|GMT)?[+-]\d/i.test(name)) {
    return { hint: 'A fixed offset is no time zone: use the IANA name of the place, such as Asia/Kolkata, or UTC.' }
  }
  if (/ (standard|daylight|summer) time$/i.test(name)) {
    return { hint: 'Windows has no zone of this name; use the IANA name of the place, such as Europe/Berlin.' }
  }
  if (/^[A-Z]{2,5}$/.test(name)) {
    return { hint: 'Abbreviations are ambiguous: use the IANA name of the place, such as America/Los_Angeles.' }
  }
  return {}
}
