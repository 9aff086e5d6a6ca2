import type { Job } from '@jobyard/client'
import { Button, Group, Modal, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useRun } from './acts.ts'

/** Runs a job with arguments and goes to the run. */
export function RunWithArguments({ job, onClose }: { job: Pick<Job, 'id' | 'name'>; onClose: () => void }) {
  const [args, setArgs] = useState('')
  const navigate = useNavigate()
  const run = useRun(job, (made) => {
    onClose()
    void navigate({ to: '/webjobs/$job/runs/$run', params: { job: job.id, run: made.id } })
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    run.mutate(args.trim())
  }
  return (
    <Modal opened onClose={onClose} title={`Run ${job.name}`}>
      <form onSubmit={submit}>
        <TextInput
          label="Arguments"
          description='As behind a command: blanks part them, quotes keep them together: --day "last monday"'
          value={args}
          onChange={(event) => setArgs(event.currentTarget.value)}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          classNames={{ input: 'mono' }}
        />
        <Group justify="flex-end" mt="lg" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={run.isPending}>
            Run
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
