import type { Job, ScriptSpec } from '@jobyard/client'
import { ActionIcon, Button, Checkbox, TextInput, Tooltip } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { type ClipboardEvent, useState } from 'react'
import type { Editing } from '../parts/edit-section.tsx'
import { SecretArea } from '../parts/secret-area.tsx'
import { type FaultAt, JobEditor } from './job-editor.tsx'
import {
  addVariable,
  faultOfVariable,
  pasteVariables,
  type VariableDraft,
  variablesChange,
  variablesDraft,
} from './variables-draft.ts'

/** Changes the variables of a job. */
export function EnvironmentEditor({ job, ...editing }: Editing & { job: Job }) {
  const [base] = useState<ScriptSpec>(job.spec)
  const [rows, setRows] = useState(() => {
    const there = variablesDraft(base)
    return there.length === 0 ? addVariable(there) : there
  })
  const spec = variablesChange(rows, base)
  const change = (key: number, part: Partial<VariableDraft>): void =>
    setRows((before) => before.map((row) => (row.key === key ? { ...row, ...part } : row)))
  const paste = (key: number, event: ClipboardEvent): void => {
    const pasted = pasteVariables(rows, key, event.clipboardData.getData('text'))
    if (pasted === undefined) return
    event.preventDefault()
    setRows(pasted)
  }
  return (
    <JobEditor
      {...editing}
      job={job}
      part={({ spec: now }) => variablesDraft(now)}
      change={spec && { spec }}
      what="The variables"
      fields={rows.flatMap(({ name }) => [`spec.env.${name}`, `spec.secrets.${name}`])}
      blocked={rows.some((row) => faultOfVariable(row, rows) !== undefined)}
    >
      {(faultAt) => (
        <>
          <ul className="variable-rows" aria-label="Variables">
            {rows.map((row) => (
              <VariableRow
                key={row.key}
                row={row}
                fault={faultOfVariable(row, rows) ?? faultFrom(row, faultAt)}
                onChange={(part) => change(row.key, part)}
                onPaste={(event) => paste(row.key, event)}
                onRemove={() => setRows((before) => before.filter(({ key }) => key !== row.key))}
              />
            ))}
          </ul>
          <div className="after-rows">
            <Button
              variant="default"
              size="compact-xs"
              leftSection={<IconPlus size={14} />}
              onClick={() => setRows(addVariable)}
            >
              Another variable
            </Button>
            <small className="quiet">NAME=VALUE lines can be pasted into a name.</small>
          </div>
        </>
      )}
    </JobEditor>
  )
}

function faultFrom({ name }: VariableDraft, faultAt: FaultAt): string | undefined {
  return name === '' ? undefined : (faultAt(`spec.env.${name}`) ?? faultAt(`spec.secrets.${name}`))
}

interface VariableRowProps {
  readonly row: VariableDraft
  readonly fault: string | undefined
  readonly onChange: (part: Partial<VariableDraft>) => void
  readonly onPaste: (event: ClipboardEvent) => void
  readonly onRemove: () => void
}

function VariableRow({ row, fault, onChange, onPaste, onRemove }: VariableRowProps) {
  const { name, value, secret, kept } = row
  const shown = name === '' ? 'the new variable' : name
  return (
    <li>
      <TextInput
        aria-label="Name of the variable"
        placeholder="NAME"
        value={name}
        // A secret that is kept is kept under its name.
        readOnly={kept}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
        onPaste={onPaste}
        error={fault}
        classNames={{ input: 'mono' }}
        autoComplete="off"
        spellCheck={false}
      />
      <SecretArea
        label={`Value of ${shown}`}
        hidden
        secret={secret}
        placeholder={kept && secret ? 'set; type anew' : 'value'}
        value={value}
        onChange={(typed) => onChange({ value: typed })}
      />
      <Checkbox
        label="Secret"
        aria-label={`${shown} is secret`}
        checked={secret}
        onChange={(event) => onChange({ secret: event.currentTarget.checked })}
      />
      <Tooltip label={`Remove ${shown}`}>
        <ActionIcon aria-label={`Remove ${shown}`} onClick={onRemove}>
          <IconTrash size={15} />
        </ActionIcon>
      </Tooltip>
    </li>
  )
}
