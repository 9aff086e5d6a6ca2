import { Audit, Collections, Schedules, Sessions, Tokens, Webhooks } from './access.ts'
import { Data } from './data.ts'
import { LiveEvents } from './events.ts'
import { Hooks } from './hooks.ts'
import { Jobs } from './jobs.ts'
import { Output } from './output.ts'
import { Packages } from './packages.ts'
import { Runs } from './runs.ts'
import { Settings } from './settings.ts'
import { type JobyardOptions, Transport } from './transport.ts'
import type { Me, Status } from './types.ts'

/**
 * A client of one Jobyard server.
 *
 *     const jobyard = new Jobyard({ url: 'http://127.0.0.1:7780', token: process.env.JOBYARD_TOKEN })
 *     const run = await jobyard.runs.create('report', { args: ['--month', '11'] })
 *     for await (const entry of jobyard.output.follow(run.id)) process.stdout.write(bytesOf(entry))
 *     console.log((await jobyard.runs.wait(run.id)).state)
 *
 * Whatever the server refuses, and a server that cannot be reached, is a {@link JobyardProblem}. Requests are sent again
 * when the connection fails; writes carry an Idempotency-Key, so that nothing is done twice.
 */
export class Jobyard {
  readonly jobs: Jobs
  readonly runs: Runs
  readonly output: Output
  readonly packages: Packages
  readonly data: Data
  readonly schedules: Schedules
  readonly sessions: Sessions
  readonly settings: Settings
  readonly tokens: Tokens
  readonly webhooks: Webhooks
  readonly hooks: Hooks
  readonly audit: Audit
  readonly collections: Collections
  readonly events: LiveEvents
  readonly #transport: Transport

  /** Throws a TypeError for an address that is none; sends nothing yet. */
  constructor(options: JobyardOptions) {
    const transport = new Transport(options)
    this.#transport = transport
    this.events = new LiveEvents(transport)
    this.jobs = new Jobs(transport)
    this.runs = new Runs(transport, this.events)
    this.output = new Output(transport)
    this.packages = new Packages(transport)
    this.data = new Data(transport)
    this.schedules = new Schedules(transport)
    this.sessions = new Sessions(transport)
    this.settings = new Settings(transport)
    this.tokens = new Tokens(transport)
    this.webhooks = new Webhooks(transport)
    this.hooks = new Hooks(transport)
    this.audit = new Audit(transport)
    this.collections = new Collections(transport)
  }

  /** Whom the token belongs to and what it may do. */
  async me(): Promise<Me> {
    return await this.#transport.json<Me>({ method: 'GET', path: '/v1/me' })
  }

  /** What the server is and how busy it is. */
  async status(): Promise<Status> {
    return await this.#transport.json<Status>({ method: 'GET', path: '/v1/status' })
  }
}
