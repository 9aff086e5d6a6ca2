import Type from 'typebox'
import { JobyardError } from '../../domain/errors.ts'
import type { JobRow } from '../../domain/model.ts'
import { parseNcrontab } from '../../domain/ncrontab.ts'
import { type PreviewedOccurrence, previewOccurrences } from '../../domain/occurrences.ts'
import { wayBack } from '../../domain/package-history.ts'
import type { ApiApp } from '../../services/http/api-app.ts'
import { bearerOf } from '../../services/http/sender.ts'
import type { ApiContext } from '../context.ts'
import { cutPage, readCursor, writeCursor } from '../input/cursor.ts'
import { writeJob } from '../job-writer.ts'
import { isRolledBack, ROLLBACK } from '../made-before.ts'
import { Count, Occurrences } from '../schemas/access.ts'
import { closed, DEFAULT_LIMIT, JOB_SCOPE, PAGING } from '../schemas/base.ts'
import { Deployments, Job, PastOccurrencePage, RollbackInput } from '../schemas/jobs.ts'
import { showInstant } from '../views/runs.ts'
import { jobOf, OF_JOB, SCOPE } from './jobs.ts'
import { DEFAULT_OCCURRENCES } from './schedules.ts'

/** Routes about a job's packages. */
export function deploymentRoutes(app: ApiApp, context: ApiContext): void {
  const { services, directory, shower } = context
  app.get(
    '/v1/jobs/:job/packages',
    {
      config: { access: 'viewer', refusals: [409] },
      schema: {
        operationId: 'listDeployments',
        tags: ['jobs'],
        summary: 'The packages that a job keeps, each with its latest deployment, the newest first',
        description: 'The last 10 different ones: deploying the same again, or going back, takes no place.',
        params: OF_JOB,
        querystring: SCOPE,
        response: { 200: Deployments },
      },
    },
    async (request) => {
      const job = await jobOf(directory, request)
      const deployments = await services.store.read('listDeployments', { jobId: job.id })
      const current = deployments.find(({ hash }) => hash === job.packageHash)?.number
      const items = deployments.map(({ number, hash, source, deployedBy, deployedAt, files, bytes }) => {
        const when = showInstant(deployedAt)
        return { number, hash, source, deployedBy, deployedAt: when, files, bytes, current: number === current }
      })
      return { items }
    },
  )
  app.post(
    '/v1/jobs/:job/rollback',
    {
      config: { access: 'deployer', refusals: [409] },
      schema: {
        operationId: 'rollbackJob',
        tags: ['jobs'],
        summary: 'Go back to an earlier package',
        description:
          'To the one named, or so many back as `steps` says: each step to the package that was in use when the one after it was deployed. Going back again goes further.',
        params: OF_JOB,
        querystring: SCOPE,
        body: RollbackInput,
        response: { 200: Job },
      },
    },
    async (request) => {
      const found = await jobOf(directory, request)
      if (await isRolledBack(context, request, found)) return await shower.job(found)
      const { package: wanted, steps = 1 } = request.body
      const hash = await choosePackage(context, found, wanted, steps)
      const as = { source: 'rollback', action: ROLLBACK }
      const { job } = await writeJob(context, request, found, { package: hash }, 'existing', as)
      return await shower.job(job)
    },
  )
}

async function choosePackage(
  { services }: ApiContext,
  job: JobRow,
  wanted: string | undefined,
  steps: number,
): Promise<string> {
  const kept = await services.store.read('listDeployments', { jobId: job.id })
  if (wanted !== undefined) {
    if (kept.some(({ hash }) => hash === wanted)) return wanted
    const message = `The package ${wanted} is not among those that the job ${job.name} keeps.`
    throw new JobyardError('package-unknown', message, { field: 'package' })
  }
  const earlier = wayBack(kept, job.packageHash)
  const chosen = earlier[steps - 1]
  if (chosen !== undefined) return chosen
  const { length } = earlier
  const left = length === 0 ? 'no earlier package' : `only ${length} earlier ${length === 1 ? 'package' : 'packages'}`
  throw new JobyardError('package-unknown', `The job ${job.name} has ${left}.`, { field: 'steps' })
}

/** Routes about a job's schedules. */
export function occurrenceRoutes(app: ApiApp, { services, directory }: ApiContext): void {
  app.get(
    '/v1/jobs/:job/occurrences',
    {
      config: { access: 'viewer', refusals: [409] },
      schema: {
        operationId: 'listOccurrences',
        tags: ['jobs'],
        summary: "What became of the occurrences of a job's schedules, the newest first",
        params: OF_JOB,
        querystring: closed({ ...JOB_SCOPE, ...PAGING }),
        response: { 200: PastOccurrencePage },
      },
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor, ...scope } = request.query
      const [before] = readCursor('occurrences', cursor, 'number') ?? []
      const { id: jobId } = await directory.requireJob(bearerOf(request), request.params.job, scope)
      const after = before === undefined ? {} : { before }
      const rows = await services.store.read('listOccurrences', { jobId, ...after, limit: limit + 1 })
      const { items, next } = cutPage(rows, limit, ({ due }) => writeCursor('occurrences', due))
      const shown = items.map(({ due, outcome, reason, runId, more }) => {
        return { due: showInstant(due), outcome, reason, runId, more }
      })
      return { items: shown, next }
    },
  )
  app.get(
    '/v1/jobs/:job/next',
    {
      config: { access: 'viewer', refusals: [409] },
      schema: {
        operationId: 'listNext',
        tags: ['jobs'],
        summary: "When a job's schedules next fall due",
        description: 'As if it were not stopped.',
        params: OF_JOB,
        querystring: closed({ ...JOB_SCOPE, count: Type.Optional(Count) }),
        response: { 200: Occurrences },
      },
    },
    async (request) => {
      const { count = DEFAULT_OCCURRENCES, ...scope } = request.query
      const { id } = await directory.requireJob(bearerOf(request), request.params.job, scope)
      const triggers = await services.store.read('listTriggers', { jobIds: [id] })
      const after = services.clock.now()
      const due = triggers.flatMap(({ spec }): PreviewedOccurrence[] => {
        if (spec.type !== 'schedule') return []
        const schedule = { ncrontab: parseNcrontab(spec.ncrontab), timeZone: spec.timeZone }
        return previewOccurrences(schedule, { after, count })
      })
      const inOrder = due.toSorted((a, b) => Number(a.utc > b.utc) - Number(a.utc < b.utc))
      return { occurrences: inOrder.slice(0, count) }
    },
  )
}
