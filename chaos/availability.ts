/** A stretch of time in epoch milliseconds; `to` is undefined while it lasts. */
interface Stretch {
  readonly from: number
  to: number | undefined
}

/** Remembers when which server was there to do its work, and when the database was away. */
export class Availability {
  readonly #servers = new Map<string, Stretch[]>()
  readonly #away: Stretch[] = []

  /** A server answers from now on. */
  up(name: string, at: number): void {
    const stretches = this.#servers.get(name)
    if (stretches === undefined) this.#servers.set(name, [{ from: at, to: undefined }])
    else stretches.push({ from: at, to: undefined })
  }

  /** A server is dead or frozen from now on. */
  down(name: string, at: number): void {
    const latest = this.#servers.get(name)?.at(-1)
    if (latest !== undefined) latest.to ??= at
  }

  /** The database is away from now on, until {@link databaseBack}. */
  databaseAway(at: number): void {
    this.#away.push({ from: at, to: undefined })
  }

  databaseBack(at: number): void {
    const latest = this.#away.at(-1)
    if (latest !== undefined) latest.to ??= at
  }

  /** Whether the database was away at any moment since then. */
  wasAwaySince(at: number): boolean {
    return this.#away.some(({ to }) => to === undefined || to >= at)
  }

  /** Milliseconds between two instants in which at least one server was up and the database was there. */
  between(from: number, to: number): number {
    const up = merge([...this.#servers.values()].flat(), from, to)
    return length(up) - length(up.flatMap((stretch) => merge(this.#away, stretch.from, stretch.to)))
  }
}

interface Closed {
  readonly from: number
  readonly to: number
}

/** The parts of the stretches within the bounds, joined where they touch. */
function merge(stretches: readonly Stretch[], from: number, to: number): Closed[] {
  const cut = stretches
    .map((stretch) => ({ from: Math.max(stretch.from, from), to: Math.min(stretch.to ?? to, to) }))
    .filter((stretch) => stretch.to > stretch.from)
    .toSorted((a, b) => a.from - b.from)
  const joined: Closed[] = []
  for (const stretch of cut) {
    const last = joined.at(-1)
    if (last === undefined || stretch.from > last.to) joined.push(stretch)
    else joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, stretch.to) }
  }
  return joined
}

function length(stretches: readonly Closed[]): number {
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0)
}
