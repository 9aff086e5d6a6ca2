import { isFinished, type Run, type Task } from '@jobyard/client'
import { Button, Group, NativeSelect } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconRefresh, IconTerminal2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useAct } from '../app/act.ts'
import { jobyard } from '../app/client.ts'
import { jobLink } from '../app/links.ts'
import { useMay } from '../app/may.ts'
import { queryClient, runQuery, tasksQuery } from '../app/queries.ts'
import { Output } from '../log/output.tsx'
import { Loading, Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { RunState } from '../parts/state.tsx'
import { sayState } from '../words/states.ts'
import { Attempts } from './attempts.tsx'
import { RunFacts } from './run-facts.tsx'

const route = getRouteApi('/shell/webjobs/$job/runs/$run')

/** A run: how it went and why, what it used, and what it printed. */
export function RunPage() {
  const { job, run: id } = route.useParams()
  const { data: run, error, refetch } = useQuery(runQuery(id))
  const tasks = useQuery(tasksQuery(id)).data ?? []
  const webjobs = { text: 'WebJobs', link: { to: '/webjobs' } } as const
  if (error !== null && run === undefined) {
    return (
      <Page title="Run" crumbs={[webjobs, { text: 'WebJob', link: jobLink({ id: job }) }]}>
        <Problem error={error} again={() => void refetch()} />
      </Page>
    )
  }
  if (run === undefined) return <Loading />
  return (
    <Page
      title={`Run #${run.number}`}
      crumbs={[webjobs, { text: run.job.name, link: jobLink(run.job) }]}
      actions={<RunActions run={run} />}
      fixed
    >
      <Banner run={run} />
      <RunFacts run={run} />
      {tasks.length > 1 && <Attempts tasks={tasks} />}
      <OutputPart run={run} tasks={tasks} />
    </Page>
  )
}

/** How it stands, in words: the first thing that people look for. */
function Banner({ run: { state, reason, queued, wanted, exitCode } }: { run: Run }) {
  const { tone } = sayState(state)
  const remark =
    reason?.text ??
    (queued ? 'It waits for an earlier run of the same job.' : undefined) ??
    (wanted === 'stop' && !isFinished(state) ? 'It was asked to stop.' : undefined)
  return (
    <div className="banner" data-tone={tone} role="status">
      <RunState state={state} />
      <span>
        {remark}
        {exitCode !== null &&
          exitCode !== 0 &&
          !(reason?.text ?? '').includes(String(exitCode)) &&
          ` Exit code ${exitCode}.`}
      </span>
    </div>
  )
}

function RunActions({ run }: { run: Run }) {
  const may = useMay('operator')
  const navigate = useNavigate()
  const note = (changed: Run): void => void queryClient.setQueryData(['run', changed.id], changed)
  const stop = useAct({ run: () => jobyard.runs.stop(run.id), after: note })
  const suspend = useAct({ run: () => jobyard.runs.suspend(run.id), after: note })
  const resume = useAct({ run: () => jobyard.runs.resume(run.id), after: note })
  const rerun = useAct({
    run: () => jobyard.runs.rerun(run.id),
    done: (made) => `${made.job.name} #${made.number} was started.`,
    after: (made) => void navigate({ to: '/webjobs/$job/runs/$run', params: { job: run.job.id, run: made.id } }),
  })
  if (!may) return null
  const asleep = run.state === 'suspended' || run.state === 'suspending'
  if (isFinished(run.state)) {
    if (run.job.type === 'continuous') return null
    return (
      <Button leftSection={<IconRefresh size={15} />} loading={rerun.isPending} onClick={() => rerun.mutate()}>
        Rerun
      </Button>
    )
  }
  return (
    <Group gap="xs" wrap="nowrap">
      {asleep ? (
        <Button
          variant="default"
          leftSection={<IconPlayerPlay size={15} />}
          loading={resume.isPending}
          onClick={() => resume.mutate()}
        >
          Resume
        </Button>
      ) : (
        run.state !== 'stopping' && (
          <Button
            variant="default"
            leftSection={<IconPlayerPause size={15} />}
            loading={suspend.isPending}
            onClick={() => suspend.mutate()}
          >
            Suspend
          </Button>
        )
      )}
      <Button
        color="red"
        leftSection={<IconPlayerStop size={15} />}
        loading={stop.isPending}
        disabled={run.wanted === 'stop'}
        onClick={() => stop.mutate()}
      >
        Stop
      </Button>
    </Group>
  )
}

function OutputPart({ run, tasks }: { run: Run; tasks: readonly Task[] }) {
  const [shown, setShown] = useState(true)
  const [attempt, setAttempt] = useState<number>()
  const attempts = [...new Set(tasks.map((task) => task.attempt))]
  const query = attempt === undefined ? '' : `&attempt=${attempt}`
  return (
    <section className="card output-card" aria-label="Output of the run">
      <header>
        <Button
          variant="default"
          size="compact-sm"
          aria-expanded={shown}
          leftSection={<IconTerminal2 size={15} />}
          onClick={() => setShown(!shown)}
        >
          Toggle output
        </Button>
        {attempts.length > 1 && (
          <NativeSelect
            size="xs"
            aria-label="Attempt"
            value={attempt ?? ''}
            data={[
              { value: '', label: 'Latest attempt' },
              ...attempts.map((each) => ({ value: String(each), label: `Attempt ${each}` })),
            ]}
            onChange={(event) => setAttempt(Number(event.currentTarget.value) || undefined)}
          />
        )}
      </header>
      {shown && (
        <Output
          run={run.id}
          attempt={attempt}
          download={`/v1/runs/${run.id}/output?format=text${query}`}
          fileName={`${run.job.name}-${run.number}.log`}
        />
      )}
    </section>
  )
}
