import type { Job, WatchedFolder } from '@jobyard/client'
import { useQueries, useQuery } from '@tanstack/react-query'
import { folderQuery } from '../app/queries.ts'
import { Notice } from '../parts/problem.tsx'

/** The folder that the jobs of a collection come from; undefined: none that is known. */
export function useFolder(collection: string | undefined): WatchedFolder | undefined {
  const { data } = useQuery({ ...folderQuery(collection ?? ''), enabled: collection !== undefined })
  return data ?? undefined
}

/** Says why nothing can be deployed here. */
export function FolderNotice({ folder: { path } }: { folder: WatchedFolder }) {
  return (
    <Notice tone="wait">
      <strong>The scripts of this collection come from a folder.</strong> Change the files in <code>{path}</code>: the
      jobs follow within seconds. Deploying, going back and deleting are off here; schedules, rules, starting and
      stopping are free.
    </Notice>
  )
}

/** Of more collections than these the folders are not looked at in the list. */
const MOST_COLLECTIONS = 20
/** More problems than these are not listed. */
const MOST_PROBLEMS = 5

/** What lies in the folders of these jobs' collections and cannot be a job, and why. */
export function FolderProblems({ jobs }: { jobs: readonly Job[] }) {
  const collections = [...new Set(jobs.map(({ collection }) => collection))].slice(0, MOST_COLLECTIONS)
  const folders = useQueries({ queries: collections.map((collection) => folderQuery(collection)) })
  const problems = folders.flatMap(({ data }) => data?.problems ?? [])
  if (problems.length === 0) return null
  return (
    <Notice tone="wait">
      <strong>Not deployed from the folder:</strong>
      <ul>
        {problems.slice(0, MOST_PROBLEMS).map(({ path, message }) => (
          <li key={path + message}>
            <code>{path}</code>: {message}
          </li>
        ))}
      </ul>
      {problems.length > MOST_PROBLEMS && <span>and {problems.length - MOST_PROBLEMS} more.</span>}
    </Notice>
  )
}
