import type { Job, ScriptSpec } from '@jobyard/client'
import { useState } from 'react'
import { useMay } from '../app/may.ts'
import { type Editing, EditSection } from '../parts/edit-section.tsx'
import { type Fact, Facts } from '../parts/page.tsx'
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

function limitsOf({ policy, spec, type }: Job): readonly Fact[] {
  const { memory, processes, idleTimeout, stopSignal = 'after-grace' }: ScriptSpec = spec
  const { timeout, grace, output } = policy
  return [
    ['Time limit', timeout ?? 'none'],
    ...(type === 'continuous' ? [] : [['Ended when idle for', idleTimeout ?? 'as the app settings say'] as const]),
    ['To end when stopped', `${grace ?? 'as usual'}; SIGTERM ${SIGNALS[stopSignal]}`],
    ['Memory', memory === undefined ? "the server's limit" : memory === 'none' ? 'no limit' : memory],
    ['Processes', processes === undefined ? "the server's limit" : processes === 0 ? 'no limit' : processes],
    ['Output', `up to ${output} an attempt`],
  ]
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
          <TimeFields type={job.type} draft={draft} change={change} faultAt={faultAt} />
          <UseFields draft={draft} change={change} faultAt={faultAt} />
        </>
      )}
    </JobEditor>
  )
}

function TimeFields({ type, draft, change, faultAt }: DraftProps<LimitsDraft> & { type: string }) {
  const continuous = type === 'continuous'
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
          usual="as the app settings say"
          error={faultAt('spec.idleTimeout')}
        />
      )}
      <DraftInput
        label="To end when stopped"
        description="Then it is killed."
        value={draft.grace}
        onChange={(grace) => change({ grace })}
        usual={`as settings.job says, else ${continuous ? '5s' : '30s'}`}
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

function UseFields({ draft, change, faultAt }: DraftProps<LimitsDraft>) {
  return (
    <div className="fields">
      <DraftInput
        label="Memory"
        description="Such as 512MB; none for no limit."
        value={draft.memory}
        onChange={(memory) => change({ memory })}
        usual="the server's limit"
        error={faultAt('spec.memory')}
      />
      <DraftInput
        label="Processes"
        description="And threads; 0 for no limit."
        value={draft.processes}
        onChange={(processes) => change({ processes })}
        usual="the server's limit"
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
