import { Socket } from 'node:net'
import { type Clock, systemClock } from '../../domain/clock.ts'
import { removeLeftoverCgroups } from '../cgroup/leftovers.ts'
import { CgroupPool } from '../cgroup/pool.ts'
import { type BeginOrder, Link, type Order, type Report, type StartOrder } from '../link.ts'
import { pause } from '../pause.ts'
import { markOf, sweepStrays } from '../strays.ts'
import { Group, refusal, type Yard } from './group.ts'
import { PipePool } from './pipes.ts'
import { Relay } from './relay.ts'
import { describeSupport } from './rlimits.ts'
import { Sampler } from './sampler.ts'
import { StrayWatch } from './stray-watch.ts'

/** Where the launcher puts the control channel. */
const CONTROL_FD = 3
/** The most that is read from it at a time. */
const ORDER_BYTES = 64 * 1024
/** How often the silence of the server is looked at, as a part of the time that it may be silent. */
const SILENCE_PARTS = 10
/** How long processes that were killed may take to end when the server asks for the end of all, milliseconds. */
const STOP_MS = 3000
/** Control groups that processes are still leaving are tried again this often, and so many times. */
const REMOVE_AGAIN_MS = 10
const REMOVE_TIMES = 50

/**
 * The warden: a small process of its own that starts all processes of one server, and outlives that server just long
 * enough to end them. It is the one that forks, so there is no moment in which a process runs that it does not know.
 */
class Warden {
  readonly #clock: Clock
  readonly #link: Link<Order, Report>
  readonly #groups = new Map<number, Group>()
  readonly #byChannel = new Map<number, Group>()
  #begin: BeginOrder | undefined
  #yard: Yard | undefined
  #outputLost = false
  #heardAt: number
  /** No process is started any more. */
  #ending = false
  #leaving = false
  #idle: (() => void) | undefined

  constructor(controlFd: number, clock: Clock) {
    this.#clock = clock
    this.#heardAt = clock.elapsed()
    const buffer = Buffer.allocUnsafeSlow(ORDER_BYTES)
    const callback = (bytes: number): boolean => {
      this.#heardAt = clock.elapsed()
      this.#link.take(buffer.subarray(0, bytes))
      return true
    }
    const control = new Socket({ fd: controlFd, readable: true, writable: true, onread: { buffer, callback } })
    this.#link = new Link(control, (order) => this.#obey(order))
    // An error of the channel is followed by its close; a server that has gone needs no answer.
    control.on('error', () => control.destroy())
    control.on('close', () => void this.endAll())
  }

  #obey(order: Order): void {
    switch (order.do) {
      case 'begin':
        void this.#open(order).catch((error: unknown) => this.fail(error))
        return
      case 'start':
        this.#start(order)
        return
      case 'signal':
        this.#groups.get(order.id)?.signal(order.name)
        return
      case 'kill':
        this.#groups.get(order.id)?.kill()
        return
      case 'freeze':
        this.#groups.get(order.id)?.freeze()
        return
      case 'thaw':
        this.#groups.get(order.id)?.thaw()
        return
      case 'sample':
        this.#groups.get(order.id)?.sample()
        return
      case 'beat':
        this.#link.send({ is: 'beat' })
        return
      case 'stop':
        void this.#stop()
    }
  }

  async #open(order: BeginOrder): Promise<void> {
    const clock = this.#clock
    this.#begin = order
    this.#watchSilence(order.silentAfterMs)
    await this.#removeCgroups(order.dataFolderId)
    const cgroups = CgroupPool.open(order.dataFolderId, clock)
    const pipes = new PipePool(order.dataFolderId)
    pipes.prepare()
    const relay = await Relay.connect(order.address, order.secret, {
      credit: (channel, bytes) => this.#byChannel.get(channel)?.output.allow(bytes),
      drained: () => {
        for (const group of this.#groups.values()) group.output.resume()
      },
      lost: (error) => this.#loseOutput(error),
    })
    const markPrefix = markOf(order.dataFolderId, order.instanceId, '')
    const support = describeSupport(cgroups?.support ?? null, process.getuid?.() === 0)
    this.#yard = {
      clock,
      relay,
      pipes,
      cgroups,
      support,
      markPrefix,
      sampler: new Sampler(clock),
      strays: new StrayWatch(markPrefix, (taskId) => this.#isRunning(taskId), clock),
      report: (report) => this.#report(report),
      ended: (group) => this.#forget(group),
    }
    this.#link.send({ is: 'ready', support })
  }

  #start(order: StartOrder): void {
    const yard = this.#yard
    if (!yard || this.#ending) {
      this.#link.send({ is: 'refused', id: order.id, reason: 'the warden is ending' })
      return
    }
    try {
      const group = new Group(order, yard)
      this.#groups.set(group.id, group)
      this.#byChannel.set(order.channel, group)
      if (this.#outputLost) group.output.allow(Number.MAX_SAFE_INTEGER)
    } catch (error) {
      this.#link.send(refusal(order, error))
    }
  }

  /** A server that is given up must not learn of ends that it did not ask for: to it, its processes are lost. */
  #report(report: Report): void {
    if (!this.#leaving) this.#link.send(report)
  }

  #isRunning(taskId: string): boolean {
    for (const group of this.#groups.values()) if (group.taskId === taskId && group.running) return true
    return false
  }

  #forget(group: Group): void {
    this.#groups.delete(group.id)
    if (this.#byChannel.get(group.output.channel) === group) this.#byChannel.delete(group.output.channel)
    if (this.#groups.size === 0) this.#idle?.()
  }

  /** Output has nowhere to go any more. Processes go on, and theirs is read and dropped so that they do not hang. */
  #loseOutput(error: Error): void {
    this.#outputLost = true
    this.#link.send({ is: 'output-lost', message: error.message })
    for (const group of this.#groups.values()) group.output.allow(Number.MAX_SAFE_INTEGER)
  }

  /** Looks whether the server still speaks. One that is frozen is as good as gone: another may already do its work. */
  #watchSilence(silentAfterMs: number): void {
    this.#clock.after(silentAfterMs / SILENCE_PARTS, () => {
      // What waits in the channel is read first: it may be this process that did not get to run.
      setImmediate(() => {
        if (this.#clock.elapsed() - this.#heardAt >= silentAfterMs) void this.endAll()
        else this.#watchSilence(silentAfterMs)
      })
    })
  }

  /** The server asked for it: everything is ended, told and sent before the warden leaves. */
  async #stop(): Promise<void> {
    this.#ending = true
    for (const group of this.#groups.values()) group.kill()
    if (this.#groups.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
        this.#clock.after(STOP_MS, resolve)
      })
    }
    await this.#yard?.relay.close()
    await this.#link.flush()
    await this.endAll()
  }

  /** Kills every group and every stray of this instance, and then itself. */
  async endAll(): Promise<void> {
    if (this.#leaving) return
    this.#leaving = true
    this.#ending = true
    const begin = this.#begin
    if (begin) {
      const sessions: number[] = []
      for (const group of this.#groups.values()) {
        group.kill()
        if (group.pid !== undefined) sessions.push(group.pid)
      }
      const prefix = markOf(begin.dataFolderId, begin.instanceId, '')
      await sweepStrays({ marked: (mark) => mark.startsWith(prefix), sessions, clock: this.#clock })
      await this.#removeCgroups(begin.dataFolderId)
    }
    this.#yard?.pipes.close()
    // Not process.exit: it waits for V8's threads, which in Node 26 sometimes wait for it (a compilation that wants a
    // collection of garbage), and then a warden stays for ever.
    process.kill(process.pid, 'SIGKILL')
  }

  async #removeCgroups(dataFolderId: string): Promise<void> {
    for (let time = 0; !removeLeftoverCgroups(dataFolderId) && time < REMOVE_TIMES; time++) {
      await pause(this.#clock, REMOVE_AGAIN_MS)
    }
  }

  /** Something went wrong that has no place to be handled: nothing may be left running without a warden. */
  fail(error: unknown): void {
    // Nobody may be there to read it.
    process.stderr.on('error', () => undefined)
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    void this.endAll()
  }
}

process.title = 'jobyard-warden'
const warden = new Warden(CONTROL_FD, systemClock)
process.on('uncaughtException', (error) => warden.fail(error))
process.on('unhandledRejection', (error) => warden.fail(error))
// A service manager may send these to all processes of a service at once. The server decides what is to end and when.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
