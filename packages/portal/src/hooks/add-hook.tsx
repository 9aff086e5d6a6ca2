import { type Hook, type HookEvent, JobyardProblem } from '@jobyard/client'
import { Button, Checkbox, Group, Modal, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { hooksQuery, queryClient } from '../app/queries.ts'
import { Choice } from '../parts/choice.tsx'
import { Problem } from '../parts/problem.tsx'

interface AddHookProps {
  readonly collection: string
  /** Those that are there. */
  readonly hooks: readonly Hook[]
  readonly onClose: () => void
}

/** Has an address called. */
export function AddHook({ collection, hooks, onClose }: AddHookProps) {
  const [event, setEvent] = useState<HookEvent>('run-finished')
  const [url, setUrl] = useState('')
  const [insecure, setInsecure] = useState(false)
  const add = useAct({
    run: () => jobyard.hooks.create({ collection, event, url: url.trim(), insecure }),
    done: ({ id }) =>
      hooks.some((hook) => hook.id === id) ? 'That hook was there already; it was kept.' : 'The hook was added.',
    quiet: true,
    after: () => {
      void queryClient.invalidateQueries({ queryKey: hooksQuery(collection).queryKey })
      onClose()
    },
  })
  const fault = add.error instanceof JobyardProblem && isOfAddress(add.error) ? add.error : undefined
  const submit = (submitted: FormEvent): void => {
    submitted.preventDefault()
    if (url.trim() !== '') add.mutate()
  }
  return (
    <Modal opened onClose={onClose} size="lg" title="Add a web hook">
      <form onSubmit={submit} className="form">
        <Choice
          label="Event"
          value={event}
          onChange={(value) => setEvent(value === 'deployed' ? 'deployed' : 'run-finished')}
          options={[
            ['run-finished', 'A run has ended', 'However it ended; not those of continuous jobs.'],
            ['deployed', 'A job has a new package', 'Uploaded, from a watched folder, or by going back.'],
          ]}
        />
        <TextInput
          label="Address"
          description="In full. A user and a password in it are kept encrypted and never shown: https://user:password@…"
          placeholder="https://example.com/hooks/jobs"
          value={url}
          onChange={(typed) => setUrl(typed.currentTarget.value)}
          error={fault !== undefined && `${fault.detail} ${fault.hint ?? ''}`}
          classNames={{ input: 'mono' }}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <Checkbox
          label="Do not look at its certificate"
          description="For a server with a certificate of its own. Whoever is between this server and that one can read the calls."
          checked={insecure}
          onChange={(ticked) => setInsecure(ticked.currentTarget.checked)}
        />
        {add.error !== null && fault === undefined && <Problem error={add.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={add.isPending} disabled={url.trim() === ''}>
            Add
          </Button>
        </Group>
      </form>
    </Modal>
  )
}

function isOfAddress({ code, field }: JobyardProblem): boolean {
  return field === 'url' || code.startsWith('destination-')
}
