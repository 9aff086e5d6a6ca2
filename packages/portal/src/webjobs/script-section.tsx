import type { Job, JobChange, ScriptSpec } from '@jobyard/client'
import { Textarea } from '@mantine/core'
import { useState } from 'react'
import { useMay } from '../app/may.ts'
import { Choice } from '../parts/choice.tsx'
import { type Editing, EditSection } from '../parts/edit-section.tsx'
import { type Fact, Facts } from '../parts/page.tsx'
import { Notice } from '../parts/problem.tsx'
import { DraftSelect } from './draft-input.tsx'
import { differing } from './draft-values.ts'
import { JobEditor } from './job-editor.tsx'

/** What the script is started with, where it works, and on how many instances. */
export function ScriptSection({ job }: { job: Job }) {
  return (
    <EditSection title="Script" may={useMay('deployer')} editor={(editing) => <ScriptEditor job={job} {...editing} />}>
      <Facts items={scriptOf(job)} />
    </EditSection>
  )
}

const FOLDERS = {
  package: 'as settings.job says, else in place for .js',
  inPlace: 'in place: what runs change in it stays',
  copy: 'in a copy, made anew for each package',
}

function scriptOf(job: Job): readonly Fact[] {
  const { args = [] }: ScriptSpec = job.spec
  return [
    ...(job.type === 'continuous'
      ? [['Scale', isSingleton(job) ? 'a single instance' : 'all instances'] as const]
      : [['Arguments', args.length === 0 ? 'none' : <Arguments key="args" args={args} />] as const]),
    ...(job.type === 'continuous' && args.length > 0
      ? [['Arguments', <Arguments key="args" args={args} />] as const]
      : []),
    ['Working folder', FOLDERS[folderOf(job)]],
  ]
}

function Arguments({ args }: { args: readonly string[] }) {
  return (
    <ol className="arguments">
      {args.map((arg, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same argument may come twice.
        <li key={index}>
          <code>{arg === '' ? '""' : arg}</code>
        </li>
      ))}
    </ol>
  )
}

function isSingleton({ triggers }: Job): boolean {
  return triggers.some((each) => each.type === 'continuous' && each.singleton)
}

function folderOf({ spec }: Job): keyof typeof FOLDERS {
  const { inPlace }: ScriptSpec = spec
  return inPlace === undefined ? 'package' : inPlace ? 'inPlace' : 'copy'
}

interface ScriptDraft {
  /** One argument in a line. */
  readonly args: string
  readonly folder: keyof typeof FOLDERS
  readonly scale: 'all' | 'single'
}

function draftOf(job: Job): ScriptDraft {
  const { args = [] }: ScriptSpec = job.spec
  return { args: args.join('\n'), folder: folderOf(job), scale: isSingleton(job) ? 'single' : 'all' }
}

function specOf({ args, folder }: ScriptDraft) {
  const list = args.split('\n').filter((arg) => arg !== '')
  return { args: list.length === 0 ? null : list, inPlace: folder === 'package' ? null : folder === 'inPlace' }
}

function changeOf(draft: ScriptDraft, before: ScriptDraft): JobChange | undefined {
  const spec = differing(specOf(draft), specOf(before))
  const scaled = draft.scale !== before.scale
  if (spec === undefined && !scaled) return undefined
  const triggers = [{ type: 'continuous', singleton: draft.scale === 'single' } as const]
  return { ...(spec === undefined ? {} : { spec }), ...(scaled ? { triggers } : {}) }
}

function ScriptEditor({ job, ...editing }: Editing & { job: Job }) {
  const [base] = useState(() => draftOf(job))
  const [draft, setDraft] = useState(base)
  const change = (part: Partial<ScriptDraft>): void => setDraft((before) => ({ ...before, ...part }))
  const { args = [] }: ScriptSpec = job.spec
  const foreign = args.some((arg) => arg === '' || arg.includes('\n'))
  return (
    <JobEditor
      {...editing}
      job={job}
      part={draftOf}
      change={changeOf(draft, base)}
      what="The settings of the script"
      fields={['spec.args', 'spec.inPlace']}
    >
      {(faultAt) => (
        <>
          {job.type === 'continuous' && (
            <Choice
              label="Scale"
              value={draft.scale}
              onChange={(scale) => change({ scale: scale === 'single' ? 'single' : 'all' })}
              options={[
                ['all', 'All instances', 'One process on each.'],
                ['single', 'Single instance', 'One process in all; another instance takes over when its own is gone.'],
              ]}
            />
          )}
          {foreign ? (
            <Notice tone="quiet">An argument is empty or has several lines; such ones are changed through /v1.</Notice>
          ) : (
            <Textarea
              label="Arguments"
              description="One in a line, as they are, without quotes. For runs that bring none of their own."
              autosize
              minRows={2}
              maxRows={10}
              value={draft.args}
              onChange={(event) => change({ args: event.currentTarget.value })}
              error={faultAt('spec.args')}
              classNames={{ input: 'mono' }}
              autoComplete="off"
              spellCheck={false}
            />
          )}
          <DraftSelect
            label="Working folder"
            value={draft.folder}
            onChange={(folder) => change({ folder })}
            options={FOLDERS}
            error={faultAt('spec.inPlace')}
          />
        </>
      )}
    </JobEditor>
  )
}
