/** A source of chances that gives the same ones again for the same seed (mulberry32). */
export class Random {
  #state: number

  /** `seed`: a whole number; its lowest 32 bits count. */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0 and less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** True so often. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }

  /** Mostly short, sometimes long: as the time between two accidents is. Never more than `most`. */
  exponential(mean: number, most: number): number {
    return Math.min(most, -Math.log(1 - this.next()) * mean)
  }

  /** One of the list; throws for an empty one. */
  pick<T>(list: readonly T[]): T {
    const chosen = list[Math.floor(this.next() * list.length)]
    if (chosen === undefined) throw new Error('There is nothing to choose from.')
    return chosen
  }

  /** One of the names, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights) as [Name, number][]
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of entries) {
      left -= weight
      if (left < 0) return name
    }
    throw new Error('There is nothing to choose from.')
  }

  /** A source of its own for one part, so that what the others draw does not change what it gets. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32))
  }
}
