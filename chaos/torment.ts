import type { Instance } from './instance.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'
import type { Violations } from './violations.ts'
import { pause, until } from './waiting.ts'
import type { Watch } from './watch.ts'

/** What is done to servers. The first are kills; the others are counted beside them. */
export const KILLS = [
  'server',
  'server and warden',
  'warden',
  'while starting',
  'while draining',
  'frozen server',
] as const
/** What else is done to servers and their database, which kills no process for good. */
export const OTHERS = [
  'graceful stop',
  'frozen and thawed',
  'frozen warden',
  'database stopped',
  'database killed',
] as const

/** One of {@link KILLS} or {@link OTHERS}. */
export type Deed = (typeof KILLS)[number] | (typeof OTHERS)[number]

/** How servers are tormented. Durations in milliseconds. */
export interface TormentOptions {
  readonly kills: number
  /** No further life is begun after so long. */
  readonly milliseconds: number
  /** Mean and longest life of a server that answers. */
  readonly lifeMs: number
  readonly longestMs: number
  /** Silence of the server after which its warden ends everything. */
  readonly silentAfterMs: number
  /** False: nothing that takes as long as that silence is done. */
  readonly freezes: boolean
  readonly stopWithinMs: number
}

/** How a life that came to answer ends, and how often. */
const ENDS = { server: 46, both: 26, stop: 10, drain: 10, freeze: 2, thaw: 2 } as const
const STARTING = 0.13
/** Now and then nobody starts the server again for so long that schedules miss their times. */
const STAYS_DOWN = 0.025
const DOWN_MS = [6000, 9000] as const
const WARDEN_KILL = 0.4
const WARDEN_FREEZE = 0.01
/** How long before the renewal of its lease a server is frozen, milliseconds. */
const BEFORE_RENEWAL_MS = 150
/** Extra time for a warden to notice silence and end everything, milliseconds. */
const NOTICE_MS = 4000

/** Kills what there is to kill until it was enough, and counts it. */
export class Torment {
  readonly counts: Record<Deed, number>
  readonly #stage: Stage
  readonly #watch: Watch
  readonly #violations: Violations
  readonly #options: TormentOptions
  readonly #say: (line: string) => void
  #endAt = 0

  constructor(
    stage: Stage,
    watch: Watch,
    violations: Violations,
    options: TormentOptions,
    say: (line: string) => void,
  ) {
    this.#stage = stage
    this.#watch = watch
    this.#violations = violations
    this.#options = options
    this.#say = say
    this.counts = Object.fromEntries([...KILLS, ...OTHERS].map((deed) => [deed, 0])) as Record<Deed, number>
  }

  /** Kills so far, of all sorts. */
  get kills(): number {
    return KILLS.reduce((sum, deed) => sum + this.counts[deed], 0)
  }

  /** Torments all instances, which run, at the same time; in the end all of them run again. */
  async run(random: Random): Promise<void> {
    this.#endAt = Date.now() + this.#options.milliseconds
    const database = this.#tormentDatabase(random.fork())
    await Promise.all(this.#stage.instances.map((instance) => this.#tormentInstance(instance, random.fork())))
    await database
  }

  /** Kills the warden of an instance alone. */
  async killWarden(instance: Instance): Promise<void> {
    if (await instance.killWarden()) this.#count('warden')
  }

  get #enough(): boolean {
    return this.kills >= this.#options.kills || Date.now() >= this.#endAt
  }

  #count(deed: Deed): void {
    this.counts[deed]++
    const isKill = (KILLS as readonly string[]).includes(deed)
    if (isKill && this.kills % 25 === 0) this.#say(`${this.kills} kills, ${this.#violations.total} violations`)
  }

  async #tormentInstance(instance: Instance, random: Random): Promise<void> {
    while (!this.#enough) {
      await this.#live(instance, random)
      if (random.chance(STAYS_DOWN)) await pause(random.between(...DOWN_MS))
      while (!this.#enough && random.chance(STARTING)) await this.#dieStarting(instance, random)
      await this.#startAgain(instance)
    }
  }

  /** Without its database a server cannot start; it is started until it can. */
  async #startAgain(instance: Instance): Promise<void> {
    do {
      instance.launch()
    } while (!(await instance.ready()) && this.#stage.availability.wasAwaySince(Date.now() - 60_000))
  }

  /** The life of a server that answers, to its end. */
  async #live(instance: Instance, random: Random): Promise<void> {
    const { lifeMs, longestMs, freezes } = this.#options
    const life = 30 + random.exponential(lifeMs, longestMs)
    if (random.chance(WARDEN_KILL)) {
      await pause(life * random.next())
      await this.killWarden(instance)
    }
    if (freezes && random.chance(WARDEN_FREEZE)) await this.#freezeWarden(instance)
    await pause(life * random.next())
    if (instance.server?.ended !== false) return this.#noteSuddenEnd(instance)
    const end = random.weighted(ENDS)
    if (end === 'both') return this.#killBoth(instance)
    if (end === 'stop') return this.#stop(instance)
    if (end === 'drain') return this.#killDraining(instance, random)
    if (freezes && end === 'freeze') return this.#killFrozen(instance, random)
    if (freezes && end === 'thaw') return this.#thaw(instance, random)
    return this.#kill(instance, 'server')
  }

  /** A server that ends although nobody killed it. */
  async #noteSuddenEnd(instance: Instance): Promise<void> {
    const exit = await instance.server?.exited
    instance.noteDown()
    this.#violations.add('books', `${instance.name} ended by itself in life ${instance.lives}`, exit)
    await instance.awaitEnd('its server ended by itself')
  }

  async #kill(instance: Instance, deed: Deed): Promise<void> {
    const { server } = instance
    const killedAt = await instance.kill()
    this.#count(deed)
    await instance.awaitEnd(`${deed} was killed`)
    if (server !== undefined) await this.#watch.noteDoomed(server, killedAt)
  }

  async #killBoth(instance: Instance): Promise<void> {
    const { server } = instance
    const killedAt = await instance.killAll()
    this.#count('server and warden')
    if (server !== undefined) await this.#watch.noteDoomed(server, killedAt)
  }

  async #dieStarting(instance: Instance, random: Random): Promise<void> {
    instance.launch()
    await pause(random.between(20, 1500))
    await this.#kill(instance, 'while starting')
  }

  async #stop(instance: Instance): Promise<void> {
    await instance.stop(this.#options.stopWithinMs)
    this.#count('graceful stop')
    await instance.awaitEnd('its server stopped')
    await this.#watch.look(this.#stage.cluster !== undefined)
  }

  async #killDraining(instance: Instance, random: Random): Promise<void> {
    instance.askToStop()
    await pause(random.between(0, 1500))
    if (instance.server?.ended === true) {
      this.#count('graceful stop')
      return instance.awaitEnd('its server stopped')
    }
    await this.#kill(instance, 'while draining')
  }

  /** Freezes the server for longer than its warden waits: nothing may run any more then. */
  async #freeze(instance: Instance): Promise<void> {
    await this.#awaitRenewal(instance)
    instance.freeze()
    await pause(this.#options.silentAfterMs + NOTICE_MS)
    await instance.awaitEnd('its server was frozen')
  }

  /** The worst moment to be frozen at: when the lease is about to be renewed, so that least is left of it. */
  async #awaitRenewal(instance: Instance): Promise<void> {
    const { cluster, options } = this.#stage
    if (cluster === undefined) return
    const { server } = instance
    const snapshot = await this.#watch.look(true)
    const own = snapshot?.instances.findLast(({ pid, state }) => pid === server?.pid && state === 'up')
    if (own === undefined) return
    const renewedAt = own.expiresAt - options.leaseMs
    await pause(Math.max(0, renewedAt + options.leaseMs / 3 - BEFORE_RENEWAL_MS - Date.now()))
  }

  async #killFrozen(instance: Instance, random: Random): Promise<void> {
    // Now and then before the warden has noticed.
    if (random.chance(0.5)) await this.#freeze(instance)
    else {
      instance.freeze()
      await pause(random.between(100, this.#options.silentAfterMs))
    }
    await this.#kill(instance, 'frozen server')
  }

  async #thaw(instance: Instance, random: Random): Promise<void> {
    await this.#freeze(instance)
    // Sometimes after its lease, too: others have taken its work by then.
    if (this.#stage.cluster !== undefined) await pause(random.between(0, this.#stage.options.leaseMs))
    instance.thaw()
    this.#count('frozen and thawed')
    await pause(random.between(500, 6000))
    await this.#kill(instance, 'server')
  }

  /** A warden that does not answer is replaced by its server, and what it had started ends. */
  async #freezeWarden(instance: Instance): Promise<void> {
    const { silentAfterMs } = this.#options
    if (!instance.freezeWarden()) return
    this.#count('frozen warden')
    const replaced = await until(() => !instance.hasFrozenWarden(), silentAfterMs * 1.5 + NOTICE_MS)
    if (!replaced)
      this.#violations.add(5, `the frozen warden of ${instance.name} was not replaced in life ${instance.lives}`)
  }

  /** PostgreSQL is stopped, or killed, under load, and comes back a little later. */
  async #tormentDatabase(random: Random): Promise<void> {
    const { cluster, availability } = this.#stage
    if (cluster === undefined) return
    while (!this.#enough) {
      await until(() => this.#enough, random.between(20_000, 50_000), 250)
      if (this.#enough) return
      const kill = random.chance(0.5)
      availability.databaseAway(Date.now())
      await (kill ? cluster.kill() : cluster.stop())
      this.#count(kill ? 'database killed' : 'database stopped')
      await pause(random.exponential(1500, 6000))
      await cluster.start()
      availability.databaseBack(Date.now())
    }
  }
}
