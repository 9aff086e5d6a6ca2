import { NativeSelect, TextInput } from '@mantine/core'
import type { FaultAt } from './job-editor.tsx'

/** A draft of what is edited: texts as they are typed. */
export interface DraftProps<D> {
  readonly draft: D
  readonly change: (part: Partial<D>) => void
  readonly faultAt: FaultAt
}

interface DraftInputProps {
  readonly label: string
  readonly description?: string
  readonly value: string
  readonly onChange: (value: string) => void
  /** What counts when nothing is written. */
  readonly usual: string
  /** Of a number only its digits are taken. */
  readonly number?: 'whole' | 'decimal'
  readonly error: string | undefined
}

/** A short text, such as a time or a number; empty for what is usual. */
export function DraftInput({ usual, number, onChange, ...props }: DraftInputProps) {
  return (
    <TextInput
      {...props}
      placeholder={usual}
      inputMode={number === undefined ? 'text' : number === 'whole' ? 'numeric' : 'decimal'}
      onChange={({ currentTarget: { value } }) => onChange(number === undefined ? value : digitsOf(value, number))}
      autoComplete="off"
      spellCheck={false}
    />
  )
}

function digitsOf(text: string, number: 'whole' | 'decimal'): string {
  return text.replaceAll(number === 'whole' ? /\D/g : /[^\d.]/g, '')
}

interface DraftSelectProps<V extends string> {
  readonly label: string
  readonly description?: string
  readonly value: V
  readonly onChange: (value: V) => void
  /** Each with its words, in order. */
  readonly options: Readonly<Record<V, string>>
  readonly error?: string | undefined
}

/** One of a few words. */
export function DraftSelect<V extends string>({ options, onChange, ...props }: DraftSelectProps<V>) {
  const data = Object.entries<string>(options).map(([value, label]) => ({ value, label }))
  return <NativeSelect {...props} data={data} onChange={(event) => onChange(event.currentTarget.value as V)} />
}
