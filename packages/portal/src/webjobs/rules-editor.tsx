import type { Job, Policy } from '@jobyard/client'
import { MultiSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { jobsQuery } from '../app/queries.ts'
import type { Editing } from '../parts/edit-section.tsx'
import { DraftInput, type DraftProps, DraftSelect } from './draft-input.tsx'
import { differing } from './draft-values.ts'
import { JobEditor } from './job-editor.tsx'
import { policyOf, type RulesDraft, rulesDraft } from './rules-draft.ts'

/** What becomes of a start that comes while a run is not finished, in words. */
export const OVERLAPS: Readonly<Record<Policy['overlap'], string>> = {
  forbid: 'another start is refused',
  queue: 'another start waits',
  skip: 'another start is skipped',
  replace: 'another start replaces it',
  allow: 'another start runs beside it',
}

const RETRIES = {
  none: 'not tried again',
  fixed: 'again, the same wait each time',
  exponential: 'again, longer each time',
}
const CRASHES = { fail: 'the run fails', retry: 'the run is begun again' }
const WAITS = { same: 'the same wait each time', growing: 'longer with every short run' }
/** Paths of the fields. */
const FIELDS = [
  'policy.overlap',
  'policy.queueDepth',
  'policy.retry.attempts',
  'policy.retry.delay',
  'policy.retry.factor',
  'policy.retry.maxDelay',
  'policy.retry.jitter',
  'policy.maxCrashes',
  'policy.restart.delay',
  'policy.restart.backoff.factor',
  'policy.restart.backoff.max',
  'policy.keepRuns',
  'policy.keepAge',
  'policy.onFailure',
]

type Part = DraftProps<RulesDraft>

/** Changes the rules of a job. */
export function RulesEditor({ job, ...editing }: Editing & { job: Job }) {
  const [base] = useState(() => rulesDraft(job.policy))
  const [draft, setDraft] = useState(base)
  const change = (part: Partial<RulesDraft>): void => setDraft((before) => ({ ...before, ...part }))
  const policy = differing(policyOf(draft, job.type), policyOf(base, job.type))
  return (
    <JobEditor
      {...editing}
      job={job}
      part={({ policy: now }) => policyOf(rulesDraft(now), job.type)}
      change={policy && { policy }}
      what="The rules"
      fields={FIELDS}
    >
      {(faultAt) => {
        const part = { draft, change, faultAt }
        return (
          <>
            {job.type === 'continuous' ? (
              <RestartFields job={job} {...part} />
            ) : (
              <>
                <OverlapFields {...part} />
                <RetryFields {...part} />
                <CrashFields {...part} />
              </>
            )}
            <FailureField job={job} {...part} />
            <KeepFields job={job} {...part} />
          </>
        )
      }}
    </JobEditor>
  )
}

function OverlapFields({ draft: { overlap, queueDepth }, change, faultAt }: Part) {
  return (
    <div className="fields">
      <DraftSelect
        label="While it runs"
        value={overlap}
        onChange={(value) => change({ overlap: value })}
        options={OVERLAPS}
        error={faultAt('policy.overlap')}
      />
      {overlap === 'queue' && (
        <DraftInput
          label="Starts that may wait"
          value={queueDepth}
          onChange={(value) => change({ queueDepth: value })}
          usual="100"
          number="whole"
          error={faultAt('policy.queueDepth')}
        />
      )}
    </div>
  )
}

function RetryFields({ draft, change, faultAt }: Part) {
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

function CrashFields({ draft: { onCrash, maxCrashes }, change, faultAt }: Part) {
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

function RestartFields({ job, draft, change, faultAt }: Part & { job: Job }) {
  const steered = job.effective.restart
  const { restartDelay, backoff, backoffFactor, backoffMax } = draft
  return (
    <div className="fields">
      <DraftInput
        label="Starts again after"
        description={
          steered?.from === 'app-settings'
            ? `${steered.value}, as WEBJOBS_RESTART_TIME says, unless another time stands here.`
            : 'When a run was under two minutes.'
        }
        value={restartDelay}
        onChange={(value) => change({ restartDelay: value })}
        usual="60s"
        error={faultAt('policy.restart.delay')}
      />
      <DraftSelect
        label="Each time"
        description="After short runs in a row."
        value={backoff}
        onChange={(value) => change({ backoff: value })}
        options={WAITS}
      />
      {backoff === 'growing' && (
        <>
          <DraftInput
            label="Times longer each time"
            value={backoffFactor}
            onChange={(value) => change({ backoffFactor: value })}
            usual="2"
            number="decimal"
            error={faultAt('policy.restart.backoff.factor')}
          />
          <DraftInput
            label="Longest wait"
            value={backoffMax}
            onChange={(value) => change({ backoffMax: value })}
            usual="10m"
            error={faultAt('policy.restart.backoff.max')}
          />
        </>
      )}
    </div>
  )
}

function KeepFields({ job, draft: { keepRuns, keepAge }, change, faultAt }: Part & { job: Job }) {
  const steered = job.effective.keepRuns
  return (
    <div className="fields">
      <DraftInput
        label="Finished runs that are kept"
        description={
          steered.from === 'app-settings'
            ? `${steered.value}, as WEBJOBS_HISTORY_SIZE says, unless another number stands here.`
            : 'At most.'
        }
        value={keepRuns}
        onChange={(value) => change({ keepRuns: value })}
        usual="100"
        number="whole"
        error={faultAt('policy.keepRuns')}
      />
      <DraftInput
        label="Kept for"
        description="Such as 30d."
        value={keepAge}
        onChange={(value) => change({ keepAge: value })}
        usual="for ever"
        error={faultAt('policy.keepAge')}
      />
    </div>
  )
}

function FailureField({ job, draft: { onFailure }, change, faultAt }: Part & { job: Job }) {
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
