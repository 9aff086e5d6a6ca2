import { NativeSelect } from '@mantine/core'

interface CollectionChoiceProps {
  readonly names: readonly string[]
  readonly value: string
  readonly onChange: (name: string) => void
}

/** Which collection a page shows; nothing where there is no choice. */
export function CollectionChoice({ names, value, onChange }: CollectionChoiceProps) {
  if (names.length < 2) return null
  const known = names.includes(value) ? names : [...names, value]
  return (
    <NativeSelect
      size="xs"
      aria-label="Collection"
      data={[...known]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}
