import type { DataEntry } from '../../../services/job-data/entry.ts'
import type { JobData } from '../../../services/job-data/job-data.ts'
import type { SiteFile, SiteFolder } from './tree.ts'
import { type Times, viewOf } from './views.ts'

/** A folder of what a job keeps; its top when `parts` is empty. */
export function dataFolder(
  data: JobData,
  jobId: string,
  parts: readonly string[],
  name: string,
  times: Times,
): SiteFolder {
  const show = (entry: DataEntry): SiteFile | SiteFolder => {
    const path = [...parts, entry.name]
    if (entry.type === 'folder') return dataFolder(data, jobId, path, entry.name, entry)
    const hold = async () => {
      const held = await data.hold(jobId, path)
      return { file: { ...held.file, open: held.read }, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() }
    }
    return { ...entry, open: (range) => data.read(jobId, path, range), hold }
  }
  async function* list() {
    for await (const entry of data.list(jobId, parts)) yield show(entry)
  }
  const find = async (wanted: string) => {
    const found = await data.look(jobId, [...parts, wanted])
    return found === null ? null : show(found)
  }
  return viewOf(name, times, list, find)
}
