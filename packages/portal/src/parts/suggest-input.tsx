import { Autocomplete } from '@mantine/core'

/** What is offered, and what it means. */
export interface Suggestion {
  readonly value: string
  readonly text: string
}

interface SuggestInputProps {
  readonly label: string
  readonly placeholder?: string
  readonly description?: string
  readonly options: readonly Suggestion[]
  readonly value: string
  readonly onChange: (value: string) => void
  readonly error?: string | undefined
  readonly autoFocus?: boolean
}

/** A text, with known ones offered and explained while it is typed. */
export function SuggestInput({ options, error, autoFocus, ...props }: SuggestInputProps) {
  const meanings = new Map(options.map(({ value, text }) => [value, text]))
  return (
    <Autocomplete
      {...props}
      data={[...meanings.keys()]}
      error={error}
      data-autofocus={autoFocus || undefined}
      // What is below would be covered before anything is typed.
      openOnFocus={false}
      classNames={{ input: 'mono' }}
      renderOption={({ option: { value } }) => (
        <span className="suggestion">
          <code>{value}</code>
          <small className="quiet">{meanings.get(value)}</small>
        </span>
      )}
      autoComplete="off"
      spellCheck={false}
    />
  )
}
