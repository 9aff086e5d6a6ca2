import type { EffectiveRule, EffectiveRules, Job } from '@jobyard/client'
import { useState } from 'react'
import { useMay } from '../app/may.ts'
import { type Editing, EditSection } from '../parts/edit-section.tsx'
import { type Fact, Facts } from '../parts/page.tsx'
import { inherited, sayOrigin } from '../words/origins.ts'
import { DraftInput, type DraftProps, DraftSelect } from './draft-input.tsx'
import { JobEditor } from './job-editor.tsx'
import { type LimitsDraft, limitsChange, limitsDraft } from './limits-draft.ts'

/** How long a run may take, how it is ended, and what it may use. */
export function LimitsSection({ job }: { job: Job }) {
  return (
    <EditSection title="Limits" may={useMay('deployer')} editor={(editing) => <LimitsEditor job={job} {...editing} />}>
      <Facts items={limitsOf(job)} />
    </EditSection>
  )
}

const SIGNALS = { 'after-grace': 'when that time is over', 'at-once': 'at once' }

function limitsOf({ policy: { timeout, output }, effective, type }: Job): readonly Fact[] {
  const { idleTimeout, grace, stopSignal, memory, processes } = effective
  return [
    ['Time limit', timeout ?? 'none'],
    ...(type === 'continuous' && (idleTimeout?.value ?? null) === null
      ? []
      : factOf('Ended when idle for', idleTimeout, 'never', 'WEBJOBS_IDLE_TIMEOUT')),
    ...factOf('To end when stopped', grace, ''),
    ...(stopSignal === undefined
      ? []
      : [['It gets SIGTERM', `${SIGNALS[stopSignal.value]}${sayOrigin(stopSignal, '')}`] as const]),
    ...factOf('Memory', memory, 'no limit'),
    ...factOf('Processes', processes, 'no limit'),
    ['Output', `up to ${output} an attempt`],
  ]
}

/** A rule that counts with whose word it is, where it is told at all. */
function factOf(
  name: string,
  rule: EffectiveRule<string | number | null> | undefined,
  without: string,
  setting = '',
): readonly Fact[] {
  if (rule === undefined) return []
  // That a server sets no limit is not worth a word.
  if (rule.value === null && rule.from === 'server') return [[name, without]]
  return [[name, `${rule.value ?? without}${sayOrigin(rule, setting)}`]]
}

const FIELDS = [
  'policy.timeout',
  'policy.grace',
  'policy.output',
  'spec.idleTimeout',
  'spec.memory',
  'spec.processes',
  'spec.stopSignal',
]

function LimitsEditor({ job, ...editing }: Editing & { job: Job }) {
  const [base] = useState(() => limitsDraft(job))
  const [draft, setDraft] = useState(base)
  const change = (part: Partial<LimitsDraft>): void => setDraft((before) => ({ ...before, ...part }))
  return (
    <JobEditor
      {...editing}
      job={job}
      part={limitsDraft}
      change={limitsChange(draft, base)}
      what="The limits"
      fields={FIELDS}
    >
      {(faultAt) => (
        <>
          <TimeFields job={job} draft={draft} change={change} faultAt={faultAt} />
          <UseFields effective={job.effective} draft={draft} change={change} faultAt={faultAt} />
        </>
      )}
    </JobEditor>
  )
}

function TimeFields({ job, draft, change, faultAt }: DraftProps<LimitsDraft> & { job: Job }) {
  const { idleTimeout, grace } = job.effective
  const continuous = job.type === 'continuous'
  return (
    <div className="fields">
      <DraftInput
        label="Time limit"
        description="Of an attempt, such as 10m or 1h30m."
        value={draft.timeout}
        onChange={(timeout) => change({ timeout })}
        usual="none"
        error={faultAt('policy.timeout')}
      />
      {!continuous && (
        <DraftInput
          label="Ended when idle for"
          description="No output and no CPU time."
          value={draft.idleTimeout}
          onChange={(idleTimeout) => change({ idleTimeout })}
          usual={usualOf(idleTimeout, 'never', 'WEBJOBS_IDLE_TIMEOUT') ?? 'as the app settings say'}
          error={faultAt('spec.idleTimeout')}
        />
      )}
      <DraftInput
        label="To end when stopped"
        description="Then it is killed."
        value={draft.grace}
        onChange={(grace) => change({ grace })}
        usual={usualOf(grace, '') ?? `as settings.job says, else ${continuous ? '5s' : '30s'}`}
        error={faultAt('policy.grace')}
      />
      <DraftSelect
        label="It gets SIGTERM"
        description="Beside the shutdown file."
        value={draft.stopSignal}
        onChange={(stopSignal) => change({ stopSignal })}
        options={SIGNALS}
        error={faultAt('spec.stopSignal')}
      />
    </div>
  )
}

function UseFields({ effective, draft, change, faultAt }: DraftProps<LimitsDraft> & { effective: EffectiveRules }) {
  return (
    <div className="fields">
      <DraftInput
        label="Memory"
        description="Such as 512MB; none for no limit."
        value={draft.memory}
        onChange={(memory) => change({ memory })}
        usual={usualOf(effective.memory, 'no limit') ?? "the server's limit"}
        error={faultAt('spec.memory')}
      />
      <DraftInput
        label="Processes"
        description="And threads; 0 for no limit."
        value={draft.processes}
        onChange={(processes) => change({ processes })}
        usual={usualOf(effective.processes, 'no limit') ?? "the server's limit"}
        number="whole"
        error={faultAt('spec.processes')}
      />
      <DraftInput
        label="Output"
        description="Kept of each attempt, such as 32MB."
        value={draft.output}
        onChange={(output) => change({ output })}
        usual="32MB"
        error={faultAt('policy.output')}
      />
    </div>
  )
}

/** What stands in an empty field: what counts then, where that is known. */
function usualOf(
  rule: EffectiveRule<string | number | null> | undefined,
  without: string,
  setting = '',
): string | undefined {
  const value = inherited(rule)
  if (rule === undefined || value === undefined) return undefined
  return value === null ? without : `${value}${sayOrigin(rule, setting)}`
}
