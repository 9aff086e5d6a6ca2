import type { Hook } from '@jobyard/client'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { hooksQuery, queryClient } from '../app/queries.ts'
import { Ask } from '../parts/ask.tsx'

/** Takes a hook away, when that is asked for once more. */
export function RemoveHook({ hook: { id, url, collection }, onClose }: { hook: Hook; onClose: () => void }) {
  const remove = useAct({
    run: () => jobyard.hooks.remove(id),
    done: () => 'The hook was removed.',
    after: () => {
      const { queryKey } = hooksQuery(collection)
      queryClient.setQueryData(queryKey, (hooks) => hooks?.filter((hook) => hook.id !== id))
      void queryClient.invalidateQueries({ queryKey })
      onClose()
    },
  })
  return (
    <Ask onClose={onClose} title="Remove the hook?" verb="Remove" act={remove}>
      <code>{url}</code> is not called any longer; calls that wait are not made.
    </Ask>
  )
}
