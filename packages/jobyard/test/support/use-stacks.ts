import { afterEach, beforeEach } from 'vitest'
import { type DatabaseName, makePlace, type Place, type Stack, type StackOptions, startStack } from './stack.ts'
import { Held, TestKind } from './test-kind.ts'

/** What {@link useStacks} makes anew for each test. */
export interface UsedStacks<K extends TestKind = TestKind> {
  readonly place: Place
  readonly kind: K
  readonly held: Held
  /** The stack that was started last. */
  readonly stack: Stack
  /** Starts a stack, which stops with the test. */
  start(options?: Partial<StackOptions>): Promise<Stack>
}

/** How tests use stacks. */
export interface StackUse<K extends TestKind> extends Partial<StackOptions> {
  /** Makes the kind. Default: a plain {@link TestKind}. */
  readonly makeKind?: () => K
  /** True: the kind's work is held until the test ends it. */
  readonly held?: boolean
  /** False: the tests start their stacks themselves. */
  readonly started?: boolean
}

/** A database, a kind and a stack on them, new for each test of this file or group and gone after it. */
export function useStacks<K extends TestKind = TestKind>(database: DatabaseName, use: StackUse<K> = {}): UsedStacks<K> {
  const { makeKind = () => new TestKind() as K, held: isHeld = false, started = true, ...defaults } = use
  const stacks: Stack[] = []
  let [place, kind, held]: [Place?, K?, Held?] = []

  async function start(options: Partial<StackOptions> = {}): Promise<Stack> {
    const stack = await startStack({ kinds: [made(kind)], place: made(place), ...defaults, ...options })
    stacks.push(stack)
    return stack
  }

  beforeEach(async () => {
    place = await makePlace(database)
    kind = makeKind()
    held = new Held()
    if (isHeld) kind.work = held.work
    if (started) await start()
  })

  afterEach(async () => {
    for (const stack of stacks.splice(0)) await stack.stop()
    await place?.drop()
  })

  return {
    get place() {
      return made(place)
    },
    get kind() {
      return made(kind)
    },
    get held() {
      return made(held)
    },
    get stack() {
      return made(stacks.at(-1))
    },
    start,
  }
}

function made<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error('It is made when a test begins.')
  return thing
}
