import type { Static } from 'typebox'
import type { JobRow } from '../domain/model.ts'
import type { ApiContext } from './context.ts'
import type { Job } from './schemas/jobs.ts'

/**
 * A job that was just made, as it is shown. One may have the name of a job of another type, as with WebJobs; whoever makes
 * it, perhaps without meaning to, is told in the answer, because from then on the name alone says no longer which is meant.
 */
export async function showMade({ services, shower }: ApiContext, job: JobRow): Promise<Static<typeof Job>> {
  const shown = await shower.job(job)
  const { collectionId, kind, name } = job
  const others = (await services.store.read('findJobs', { collectionId, kind, name })).filter(({ id }) => id !== job.id)
  const warnings = others.map(({ type, number, name: same }) => ({
    code: 'name-shared',
    message:
      `There is a ${type} job ${same}, too (number ${number}); this ${job.type} one is number ${job.number}. ` +
      'Wherever the name could mean both, say the type, the number or the id.',
  }))
  return { ...shown, warnings: [...shown.warnings, ...warnings] }
}
