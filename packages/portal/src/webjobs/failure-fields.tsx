import type { Job } from '@jobyard/client'
import { MultiSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { jobsQuery } from '../app/queries.ts'
import { DraftInput, type DraftProps, DraftSelect } from './draft-input.tsx'
import type { RulesDraft } from './rules-draft.ts'

const RETRIES = {
  none: 'not tried again',
  fixed: 'again, the same wait each time',
  exponential: 'again, longer each time',
}
const CRASHES = { fail: 'the run fails', retry: 'the run is begun again' }

type Part = DraftProps<RulesDraft>

/** Whether a run that fails is tried again, and when. */
export function RetryFields({ draft, change, faultAt }: Part) {
  const { retry, attempts, delay } = draft
  return (
    <div className="fields">
      <DraftSelect
        label="A run that fails"
        value={retry}
        onChange={(value) => change({ retry: value })}
        options={RETRIES}
      />
      {retry !== 'none' && (
        <>
          <DraftInput
            label="Attempts in all"
            value={attempts}
            onChange={(value) => change({ attempts: value })}
            usual="3"
            number="whole"
            error={faultAt('policy.retry.attempts')}
          />
          <DraftInput
            label={retry === 'fixed' ? 'Wait between them' : 'First wait'}
            value={delay}
            onChange={(value) => change({ delay: value })}
            usual="30s"
            error={faultAt('policy.retry.delay')}
          />
        </>
      )}
      {retry === 'exponential' && <GrowthFields draft={draft} change={change} faultAt={faultAt} />}
    </div>
  )
}

function GrowthFields({ draft: { factor, maxDelay, jitter }, change, faultAt }: Part) {
  return (
    <>
      <DraftInput
        label="Times longer each time"
        value={factor}
        onChange={(value) => change({ factor: value })}
        usual="2"
        number="decimal"
        error={faultAt('policy.retry.factor')}
      />
      <DraftInput
        label="Longest wait"
        value={maxDelay}
        onChange={(value) => change({ maxDelay: value })}
        usual="1h"
        error={faultAt('policy.retry.maxDelay')}
      />
      <DraftInput
        label="Share left to chance"
        value={jitter}
        onChange={(value) => change({ jitter: value })}
        usual="0.2"
        number="decimal"
        error={faultAt('policy.retry.jitter')}
      />
    </>
  )
}

/** What becomes of a run whose server dies. */
export function CrashFields({ draft: { onCrash, maxCrashes }, change, faultAt }: Part) {
  return (
    <div className="fields">
      <DraftSelect
        label="If the server dies"
        value={onCrash}
        onChange={(value) => change({ onCrash: value })}
        options={CRASHES}
        {...(onCrash === 'retry' ? { description: 'Only for scripts that may run twice.' } : {})}
      />
      {onCrash === 'retry' && (
        <DraftInput
          label="At most so often"
          value={maxCrashes}
          onChange={(value) => change({ maxCrashes: value })}
          usual="3"
          number="whole"
          error={faultAt('policy.maxCrashes')}
        />
      )}
    </div>
  )
}

/** What is started when a run fails for good. */
export function FailureField({ job, draft: { onFailure }, change, faultAt }: Part & { job: Job }) {
  const { data: jobs = [] } = useQuery(jobsQuery)
  const others = jobs.filter(({ id, collection }) => collection === job.collection && id !== job.id)
  const known = new Set(others.map(({ id }) => id))
  const data = [
    ...others.map(({ id, name, type }) => ({ value: id, label: type === 'triggered' ? name : `${name} (${type})` })),
    ...onFailure.filter((id) => !known.has(id)).map((id) => ({ value: id, label: id })),
  ]
  return (
    <MultiSelect
      label="When a run fails, start"
      placeholder={onFailure.length === 0 ? 'no other job' : ''}
      data={data}
      value={[...onFailure]}
      onChange={(ids) => change({ onFailure: ids })}
      searchable
      limit={50}
      error={faultAt('policy.onFailure')}
    />
  )
}
