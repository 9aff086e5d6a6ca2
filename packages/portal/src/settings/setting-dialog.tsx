import type { AppSetting, AppSettingInput } from '@jobyard/client'
import { Button, Checkbox, Group, Modal } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { statusQuery } from '../app/queries.ts'
import { Notice, Problem } from '../parts/problem.tsx'
import { SecretArea } from '../parts/secret-area.tsx'
import { SuggestInput } from '../parts/suggest-input.tsx'
import { settingKey } from '../words/setting-lines.ts'
import { idleOf, STEERING, steeringOf } from '../words/steering.ts'
import { MeanwhileNotice } from './meanwhile-notice.tsx'
import { useSaveSettings } from './save.ts'

interface SettingDialogProps {
  readonly collection: string
  readonly settings: readonly AppSetting[]
  /** The one that is changed; absent: a new one. */
  readonly setting: AppSetting | undefined
  readonly onClose: () => void
}

interface Draft {
  readonly name: string
  /** Of a secret one only what is typed now. */
  readonly value: string
  readonly secret: boolean
  /** Empty: all. */
  readonly slot: string
}

/** Adds a setting, or changes one. */
export function SettingDialog({ collection, settings, setting, onClose }: SettingDialogProps) {
  const [base] = useState(settings)
  const [draft, setDraft] = useState(() => draftOf(setting))
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }))
  const done = setting === undefined ? `${draft.name} was added.` : `${draft.name} was changed.`
  const { save, meanwhile } = useSaveSettings({ collection, base, done, onClose })
  const name = draft.name.trim()
  const fault = faultOf(draft, setting, settings)
  const input = inputOf(draft, setting)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (name !== '' && fault === undefined) save.mutate({ [name]: input })
  }
  return (
    <Modal opened onClose={onClose} size="lg" title={setting === undefined ? 'Add an app setting' : setting.name}>
      <form onSubmit={submit} className="form">
        {setting === undefined && <NameField draft={draft} change={change} fault={fault} />}
        <Meaning name={name} />
        <ValueField draft={draft} change={change} setting={setting} />
        <SecretField draft={draft} change={change} />
        <SlotField draft={draft} change={change} />
        <MeanwhileNotice items={meanwhile} />
        {save.error !== null && <Problem error={save.error} />}
        {steeringOf(name) === undefined && (
          <p className="quiet">
            Continuous jobs of the collection start again with it; other runs keep what they began with.
          </p>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={name === '' || fault !== undefined}>
            {setting === undefined ? 'Add' : 'Save'}
          </Button>
        </Group>
      </form>
    </Modal>
  )
}

function draftOf(setting: AppSetting | undefined): Draft {
  if (setting === undefined) return { name: '', value: '', secret: false, slot: '' }
  const { name, value, secret, slot } = setting
  return { name, value: value ?? '', secret, slot: slot ?? '' }
}

/** What keeps the draft from being sent, apart from what the server alone knows. */
function faultOf({ name, value, secret }: Draft, setting: AppSetting | undefined, all: readonly AppSetting[]) {
  if (setting === undefined) {
    const there = all.find((each) => settingKey(each.name) === settingKey(name.trim()))
    return there === undefined ? undefined : `${there.name} is there already: change that one.`
  }
  return setting.secret && !secret && value === '' ? 'What is secret cannot be shown: type its value anew.' : undefined
}

/** What is sent: of one that is there only what is new. */
function inputOf({ value, secret, slot: typed }: Draft, setting: AppSetting | undefined): AppSettingInput {
  const slot = typed.trim() === '' ? null : typed.trim()
  if (setting === undefined) return { value, secret, slot }
  const sameValue = setting.secret && secret ? value === '' : setting.value === value
  return {
    ...(sameValue ? {} : { value }),
    ...(secret === setting.secret ? {} : { secret }),
    ...(slot === setting.slot ? {} : { slot }),
  }
}

interface PartProps {
  readonly draft: Draft
  readonly change: (part: Partial<Draft>) => void
}

function NameField({ draft, change, fault }: PartProps & { fault: string | undefined }) {
  return (
    <SuggestInput
      label="Name"
      placeholder="REGION"
      description="As jobs see it. What steers the server is offered, with what it does."
      options={STEERING.map(({ name, text }) => ({ value: name, text }))}
      value={draft.name}
      // What steers cannot be secret.
      onChange={(name) => change({ name, ...(steeringOf(name.trim()) === undefined ? {} : { secret: false }) })}
      error={fault}
      autoFocus
    />
  )
}

/** What a name means to the server, and what it takes. */
function Meaning({ name }: { name: string }) {
  const steering = steeringOf(name)
  const idle = idleOf(name)
  if (steering === undefined && idle === undefined) return null
  return (
    <Notice tone="quiet">
      {steering === undefined ? (
        idle
      ) : (
        <>
          <strong>Steers the server.</strong> {steering.text}
          <br />
          Takes {steering.takes}. Without it: {steering.without}.
        </>
      )}
    </Notice>
  )
}

function ValueField({ draft, change, setting }: PartProps & { setting: AppSetting | undefined }) {
  const { name, value, secret } = draft
  const kept = setting?.secret === true
  const fault = kept && !secret && value === '' ? 'What is secret cannot be shown: type its value anew.' : undefined
  const effect = value === '' ? undefined : steeringOf(name.trim())?.effect(value)
  const said = kept && secret ? 'It is set, and cannot be shown. Leave this empty to keep it.' : effect?.text
  return (
    <SecretArea
      label={kept ? 'New value' : 'Value'}
      description={said}
      secret={secret}
      value={value}
      onChange={(typed) => change({ value: typed })}
      error={fault}
      autoFocus={setting !== undefined}
    />
  )
}

function SecretField({ draft: { name, secret }, change }: PartProps) {
  const steers = steeringOf(name.trim()) !== undefined
  return (
    <Checkbox
      label="Secret"
      description={
        steers
          ? 'What steers the server cannot be secret.'
          : 'Kept encrypted, never shown again, and replaced by *** in output.'
      }
      checked={secret}
      disabled={steers && !secret}
      onChange={(event) => change({ secret: event.currentTarget.checked })}
    />
  )
}

function SlotField({ draft: { slot }, change }: PartProps) {
  const here = useQuery(statusQuery).data?.slot
  return (
    <SuggestInput
      label="Slot"
      placeholder="all"
      description="The only slot that it is for; empty for all. One of a slot is in no backup, and so reaches no copy."
      options={here === undefined ? [] : [{ value: here, text: 'the slot of this server' }]}
      value={slot}
      onChange={(typed) => change({ slot: typed })}
    />
  )
}
