/** Different packages of a job that are kept. */
export const KEPT_PACKAGES = 10

/** A package that a job keeps. Each is kept once, however often it was deployed. */
export interface KeptPackage {
  /** Number of its latest deployment; they count up. */
  readonly number: number
  readonly hash: string
  /** The package that was in use before this one and is gone back to from it; null: there is none, or it is not kept. */
  readonly previous: string | null
}

/** What becomes of the packages that a job keeps when one is deployed. */
export interface NextHistory {
  readonly number: number
  readonly previous: string | null
  /** Those that go, the deployed one's own earlier entry among them. What led to one leads to the one before it then. */
  readonly gone: readonly KeptPackage[]
}

/**
 * The packages that can be gone back to step by step, the nearest first: each is the one that was in use when the one
 * after it was deployed. Going back changes nothing in it, so that going back again goes further; and what was gone back
 * from is not on the way of what is deployed after that.
 */
export function wayBack(kept: readonly KeptPackage[], current: string | null): readonly string[] {
  const found: string[] = []
  const passed = new Set<string | null>([current])
  let at = previousOf(kept, current)
  while (at !== null && !passed.has(at) && kept.some(({ hash }) => hash === at)) {
    passed.add(at)
    found.push(at)
    at = previousOf(kept, at)
  }
  return found
}

function previousOf(kept: readonly KeptPackage[], hash: string | null): string | null {
  return kept.find((each) => each.hash === hash)?.previous ?? null
}

/**
 * How a deployment enters the history: as the newest, with the package in use before it. The oldest beyond
 * {@link KEPT_PACKAGES} go, but never the one that was in use. `kept` is in order, the newest first.
 */
export function enterHistory(kept: readonly KeptPackage[], current: string | null, hash: string): NextHistory {
  const own = kept.filter((each) => each.hash === hash)
  const others = kept.filter((each) => each.hash !== hash)
  const before = hash === current ? (own[0]?.previous ?? null) : current
  const previous = others.some((each) => each.hash === before) ? before : null
  const droppable = others.filter((each) => each.hash !== previous)
  const room = KEPT_PACKAGES - 1 - (others.length - droppable.length)
  return { number: (kept[0]?.number ?? 0) + 1, previous, gone: [...own, ...droppable.slice(room)] }
}
