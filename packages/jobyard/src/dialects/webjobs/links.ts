import type { FastifyRequest } from 'fastify'

/** What a job's addresses are made of. */
export interface JobName {
  readonly type: string
  readonly name: string
}

/** The addresses that answers hold, on the host that the request came to. */
export class Links {
  readonly #base: string

  /** `base` is the origin, without a slash at its end. */
  constructor(base: string) {
    this.#base = base
  }

  /** Scheme, host and port, without a slash at their end. */
  get origin(): string {
    return this.#base
  }

  job({ type, name }: JobName): string {
    return `${this.#base}/api/${type}webjobs/${encodeURIComponent(name)}`
  }

  history(job: JobName): string {
    return `${this.job(job)}/history`
  }

  run(job: JobName, runId: string): string {
    return `${this.history(job)}/${runId}`
  }

  /** A file of the job's data folder. */
  data({ type, name }: JobName, file: string): string {
    return `${this.#base}/vfs/data/jobs/${type}/${encodeURIComponent(name)}/${file}`
  }

  /** The job's page in the dashboard. */
  page({ type, name }: JobName): string {
    return `${this.#base}/azurejobs/#/jobs/${type}/${encodeURIComponent(name)}`
  }
}

/** The addresses of an answer: on the host that the request came to, or on `otherwise` when it names none. */
export function linksFor({ protocol, host }: FastifyRequest, otherwise: string): Links {
  return new Links(/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(host) ? `${protocol}://${host}` : otherwise)
}
