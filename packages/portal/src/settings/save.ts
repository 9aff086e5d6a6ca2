import type { AppSetting, AppSettingInput } from '@jobyard/client'
import { useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { queryClient, settingsQuery } from '../app/queries.ts'
import { settingKey } from '../words/setting-lines.ts'

/** A setting that is not as it was when the editing of it began. */
export interface Meanwhile {
  readonly name: string
  /** As it is now; undefined: removed. */
  readonly now: AppSetting | undefined
}

interface SaveOptions {
  readonly collection: string
  /** The settings as they were when the editing began. */
  readonly base: readonly AppSetting[]
  readonly done: string
  readonly onClose: () => void
}

/**
 * Saves changes of settings, unless somebody has changed the same ones meanwhile: then that is told first, and saved only
 * when it is asked for once more.
 */
export function useSaveSettings({ collection, base, done, onClose }: SaveOptions) {
  const [seen, setSeen] = useState(base)
  const [meanwhile, setMeanwhile] = useState<readonly Meanwhile[]>([])
  const save = useAct({
    run: async (change: Readonly<Record<string, AppSettingInput | null>>) => {
      const query = settingsQuery(collection)
      const there = await queryClient.fetchQuery({ ...query, staleTime: 0 })
      const others = differing(Object.keys(change), seen, there)
      setMeanwhile(others)
      setSeen(there)
      if (others.length > 0) return false
      queryClient.setQueryData(query.queryKey, await jobyard.settings.change(change, { collection }))
      return true
    },
    quiet: true,
    after: (saved) => {
      if (saved) onClose()
    },
    done: (saved) => (saved ? done : undefined),
  })
  return { save, meanwhile }
}

/** Which of these settings are not as they were. */
function differing(
  names: readonly string[],
  before: readonly AppSetting[],
  now: readonly AppSetting[],
): readonly Meanwhile[] {
  const find = (all: readonly AppSetting[], name: string) =>
    all.find((each) => settingKey(each.name) === settingKey(name))
  return names.flatMap((name) => {
    const [was, is] = [find(before, name), find(now, name)]
    return was?.updatedAt === is?.updatedAt ? [] : [{ name, now: is }]
  })
}
