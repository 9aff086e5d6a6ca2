import type { Job, Policy } from '@jobyard/client'
import { useState } from 'react'
import type { Editing } from '../parts/edit-section.tsx'
import { DraftInput, type DraftProps, DraftSelect } from './draft-input.tsx'
import { differing } from './draft-values.ts'
import { CrashFields, FailureField, RetryFields } from './failure-fields.tsx'
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
