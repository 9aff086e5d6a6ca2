import { CloseButton, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'

interface SearchFieldProps {
  /** What it is called for those who do not see it. */
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly onSearch: (text: string) => void
}

/** A field for a part of what is looked for, with a cross that clears it. */
export function SearchField({ label, placeholder, value, onSearch }: SearchFieldProps) {
  return (
    <TextInput
      aria-label={label}
      placeholder={placeholder}
      leftSection={<IconSearch size={15} aria-hidden />}
      rightSection={
        value !== '' && <CloseButton size="sm" aria-label="Clear the search" onClick={() => onSearch('')} />
      }
      value={value}
      onChange={(event) => onSearch(event.currentTarget.value)}
    />
  )
}
