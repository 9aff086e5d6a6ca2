import { Button, NativeSelect } from '@mantine/core'
import { Empty } from './problem.tsx'
import { SearchField } from './search-field.tsx'

/** What is looked for in a list: a text, and one of a few kinds. */
interface View<Show extends string> {
  readonly search: string
  readonly show: Show
}

interface SearchBarProps<Show extends string> {
  readonly view: View<Show>
  readonly onView: (view: View<Show>) => void
  /** What the text is looked for in, such as `Search by name`. */
  readonly placeholder: string
  /** What the field is called for those who do not see it. Default: as it says itself. */
  readonly label?: string
  readonly shows: readonly { readonly value: Show; readonly label: string }[]
  /** How many there are in all. */
  readonly count: string
}

/** The fields above a list by which it is searched. */
export function SearchBar<Show extends string>(props: SearchBarProps<Show>) {
  const { view, onView, placeholder, label = placeholder, shows, count } = props
  return (
    <search className="toolbar">
      <SearchField
        label={label}
        placeholder={placeholder}
        value={view.search}
        onSearch={(search) => onView({ ...view, search })}
      />
      <NativeSelect
        aria-label="Show"
        data={shows}
        value={view.show}
        onChange={(event) => onView({ ...view, show: event.currentTarget.value as Show })}
      />
      <span className="quiet count">{count}</span>
    </search>
  )
}

/** Stands in a list of which nothing is left by what is looked for. */
export function NoMatch({ title, onClear }: { title: string; onClear: () => void }) {
  return (
    <Empty title={title}>
      <Button variant="default" onClick={onClear}>
        Show all
      </Button>
    </Empty>
  )
}
