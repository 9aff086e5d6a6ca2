import type { AppSetting } from '@jobyard/client'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { queryClient, settingsQuery } from '../app/queries.ts'
import { Ask } from '../parts/ask.tsx'
import { steeringOf } from '../words/steering.ts'

interface RemoveSettingProps {
  readonly collection: string
  readonly setting: AppSetting
  readonly onClose: () => void
}

/** Takes a setting away, when that is asked for once more. */
export function RemoveSetting({ collection, setting: { name }, onClose }: RemoveSettingProps) {
  const remove = useAct({
    run: () => jobyard.settings.change({ [name]: null }, { collection }),
    done: () => `${name} was removed.`,
    after: (settings) => {
      queryClient.setQueryData(settingsQuery(collection).queryKey, settings)
      onClose()
    },
  })
  const steering = steeringOf(name)
  return (
    <Ask onClose={onClose} title={`Remove ${name}?`} verb="Remove" act={remove}>
      {steering === undefined
        ? 'Jobs do not get it any longer. Continuous jobs of the collection start again without it.'
        : `What counts then: ${steering.without}.`}
    </Ask>
  )
}
