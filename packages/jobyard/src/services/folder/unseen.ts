import type { FolderJobMark, FolderProblem } from '../../store/procedures/watched-folder.ts'
import { type FolderJob, type FoundJobs, keyOf, unseenKey } from './find-jobs.ts'

/**
 * Why a job that came from here may be there all the same, though it is not found in its place; undefined when that was
 * looked into, and the job is not there. One of which it is not known where it came from, or that came from another watched
 * folder, may be in any place.
 */
export function whyUnseen(
  { type, place }: { readonly type: string; readonly place: string | null },
  { unseen, places }: Pick<FoundJobs, 'unseen' | 'places'>,
): FolderProblem | undefined {
  const those = place !== null && places.includes(place) ? [place] : places
  return those.map((each) => unseen.get(unseenKey(each, type))).find((each) => each !== undefined)
}

/** Leaves out what is found further down while a job of that name may be in the place that it came from, which comes first. */
export function withoutStandIns(found: FoundJobs, known: readonly FolderJobMark[]): FoundJobs {
  const away = known.filter((job) => whyUnseen(job, found) !== undefined)
  const places = new Map(away.map((job) => [keyOf(job), job.place ?? '']))
  const isStandIn = (job: FolderJob) => {
    const at = found.places.indexOf(places.get(keyOf(job)) ?? '')
    return at >= 0 && at < found.places.indexOf(job.place)
  }
  return { ...found, jobs: found.jobs.filter((job) => !isStandIn(job)) }
}
