/** A stretch of time in which a zone's offset does not change. */
export interface Stretch {
  /** Its first second, since 1970. */
  readonly start: number
  /** The first second after it. */
  readonly end: number
  /** Seconds to add to UTC to get local time. */
  readonly offset: number
}

/** Transitions are read from the time zone data for about 17 years at once. */
const BLOCK = 2 ** 29
/** No two offsets of one zone are further apart than this, and no offset is larger. */
const LARGEST_SHIFT = 2 * 86_400
const LARGEST_OFFSET = 86_400

/**
 * The clock changes of one zone, read from `Temporal` once per block of years and then looked up with integers. All
 * times are whole seconds: instants since 1970 in UTC, and local times counted as if every day had 86,400 seconds.
 */
export class ZoneOffsets {
  readonly timeZone: string
  readonly #blocks = new Map<number, readonly Stretch[]>()
  #latest: Stretch | undefined

  constructor(timeZone: string) {
    this.timeZone = timeZone
  }

  /** The stretch that holds an instant. The ends of blocks end stretches too, without a change of the offset. */
  at(instant: number): Stretch {
    const latest = this.#latest
    if (latest !== undefined && instant >= latest.start && instant < latest.end) return latest
    const index = Math.floor(instant / BLOCK)
    let block = this.#blocks.get(index)
    if (block === undefined) {
      block = readStretches(this.timeZone, index * BLOCK, (index + 1) * BLOCK)
      this.#blocks.set(index, block)
    }
    const found = findStretch(block, instant)
    this.#latest = found
    return found
  }

  /** The local time of an instant. */
  localTime(instant: number): number {
    return instant + this.at(instant).offset
  }

  /** The latest local time that the zone's clocks have shown up to and with an instant: more than now in an overlap. */
  highWater(instant: number): number {
    let stretch = this.at(instant)
    let highest = instant + stretch.offset
    while (instant - stretch.start < LARGEST_SHIFT) {
      const last = stretch.start - 1
      stretch = this.at(last)
      highest = Math.max(highest, last + stretch.offset)
    }
    return highest
  }

  /**
   * The first instant at which the zone's clocks show a local time or, because they jump over it, a later one. So in a
   * gap it is the first instant after the gap, and in an overlap the first of the two.
   */
  firstReaching(local: number): number {
    let stretch = this.at(local - LARGEST_OFFSET)
    for (;;) {
      const instant = Math.max(local - stretch.offset, stretch.start)
      if (instant < stretch.end) return instant
      stretch = this.at(stretch.end)
    }
  }
}

function findStretch(block: readonly Stretch[], instant: number): Stretch {
  let low = 0
  let high = block.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    const candidate = block[middle]
    if (candidate !== undefined && candidate.start <= instant) low = middle
    else high = middle - 1
  }
  const found = block[low]
  if (found === undefined) throw new RangeError('A block of clock changes holds at least one stretch.')
  return found
}

function readStretches(timeZone: string, from: number, until: number): Stretch[] {
  const stretches: Stretch[] = []
  let start = from
  let when: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(from * 1000).toZonedDateTimeISO(
    timeZone,
  )
  let offset = offsetOf(when)
  while (when !== null) {
    when = when.getTimeZoneTransition('next')
    const change: number = when === null ? until : Math.min(until, when.epochMilliseconds / 1000)
    const nextOffset = when === null || change === until ? Number.NaN : offsetOf(when)
    if (nextOffset === offset) continue
    stretches.push({ start, end: change, offset })
    if (change === until) return stretches
    start = change
    offset = nextOffset
  }
  return stretches
}

function offsetOf(when: Temporal.ZonedDateTime): number {
  return when.offsetNanoseconds / 1e9
}
