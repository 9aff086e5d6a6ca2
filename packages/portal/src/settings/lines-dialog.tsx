import type { AppSetting } from '@jobyard/client'
import { Button, Group, Modal, Textarea } from '@mantine/core'
import { type FormEvent, useMemo, useState } from 'react'
import { Problem } from '../parts/problem.tsx'
import { sayCount } from '../words/amounts.ts'
import {
  changesOf,
  fitsLine,
  inputOf,
  type LineFault,
  readLines,
  type SettingChange,
  writeLines,
} from '../words/setting-lines.ts'
import { MeanwhileNotice } from './meanwhile-notice.tsx'
import { useSaveSettings } from './save.ts'

interface LinesDialogProps {
  readonly collection: string
  readonly settings: readonly AppSetting[]
  readonly onClose: () => void
}

/** All settings at once as `NAME=VALUE` lines, with what saving them would change. */
export function LinesDialog({ collection, settings, onClose }: LinesDialogProps) {
  const [base] = useState(settings)
  const [text, setText] = useState(() => writeLines(base))
  const { entries, faults } = useMemo(() => readLines(text), [text])
  const changes = useMemo(() => changesOf(base, entries), [base, entries])
  const done = `${sayCount(changes.length, 'setting was', 'settings were')} changed.`
  const { save, meanwhile } = useSaveSettings({ collection, base, done, onClose })
  const ready = faults.length === 0 && changes.length > 0
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (ready) save.mutate(inputOf(changes))
  }
  return (
    <Modal opened onClose={onClose} size="xl" title="App settings as text">
      <form onSubmit={submit} className="form">
        <Textarea
          label="One NAME=VALUE in a line"
          description="What has no line any longer is removed; lines that begin with # are passed over. Azure's and Kudu's own JSON can be put here, too."
          autosize
          minRows={8}
          maxRows={20}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          error={faults.length > 0 && <Faults faults={faults} />}
          classNames={{ input: 'mono' }}
          wrap="off"
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <Apart settings={base.filter((setting) => !fitsLine(setting))} />
        {faults.length === 0 && <Changes changes={changes} />}
        <MeanwhileNotice items={meanwhile} />
        {save.error !== null && <Problem error={save.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={!ready}>
            Save
          </Button>
        </Group>
      </form>
    </Modal>
  )
}

/** More faults than these are not listed. */
const MOST_FAULTS = 5

function Faults({ faults }: { faults: readonly LineFault[] }) {
  return (
    <>
      {faults.slice(0, MOST_FAULTS).map(({ line, text }) => (
        <span key={line} className="block">
          Line {line}: {text}
        </span>
      ))}
      {faults.length > MOST_FAULTS && <span className="block">and {faults.length - MOST_FAULTS} more</span>}
    </>
  )
}

/** What no line can show, and what becomes of it. */
function Apart({ settings }: { settings: readonly AppSetting[] }) {
  if (settings.length === 0) return null
  return (
    <p className="quiet">
      Not in the text, and left as they are unless a line gives them a new value:{' '}
      {settings.map(({ name, secret }, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <code>{name}</code> {secret ? '(secret)' : '(of several lines)'}
        </span>
      ))}
      .
    </p>
  )
}

const KINDS = {
  new: { tone: 'good', text: 'new' },
  changed: { tone: 'wait', text: 'changed' },
  removed: { tone: 'bad', text: 'removed' },
} as const

function Changes({ changes }: { changes: readonly SettingChange[] }) {
  return (
    <section aria-label="What changes" aria-live="polite">
      {changes.length === 0 ? (
        <p className="quiet">Nothing changes.</p>
      ) : (
        <ul className="changes">
          {changes.map(({ kind, name, from, to, secret, pinned }) => (
            <li key={name} data-tone={KINDS[kind].tone}>
              <span className="tone">{KINDS[kind].text}</span>
              <code>{name}</code>
              <span className="quiet cut">
                {secret ? 'a new secret value' : kind === 'changed' ? `${from ?? '…'} → ${to}` : (to ?? from)}
                {pinned && ', for this slot alone'}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
