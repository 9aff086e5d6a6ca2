import type { Clock } from '../../domain/clock.ts'
import { type Host, type Interpreter, type InterpreterPlaces, resolveInterpreter } from './interpreters.ts'

/** How long an answer is good for, in milliseconds: installing an interpreter shows soon, and runs do not search for it. */
const GOOD_FOR = 10_000

/** Finds interpreters and remembers for a moment where they were. */
export class InterpreterFinder {
  readonly #places: InterpreterPlaces
  readonly #clock: Clock
  readonly #found = new Map<Host, { readonly interpreter: Interpreter; readonly at: number }>()

  constructor(places: InterpreterPlaces, clock: Clock) {
    this.#places = places
    this.#clock = clock
  }

  find(host: Host): Interpreter {
    const now = this.#clock.elapsed()
    const known = this.#found.get(host)
    if (known !== undefined && now - known.at < GOOD_FOR) return known.interpreter
    const interpreter = resolveInterpreter(host, this.#places)
    this.#found.set(host, { interpreter, at: now })
    return interpreter
  }
}
