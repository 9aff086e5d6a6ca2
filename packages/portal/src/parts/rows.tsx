// biome-ignore-all lint/a11y/useSemanticElements: the rows of a real table cannot be positioned one by one.
// biome-ignore-all lint/a11y/useFocusableInteractive: they are for reading; what can be done is in the cells.
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'

/** A column of {@link Rows}: its title, and its width as CSS grids have it. */
export interface Column {
  readonly title: string
  readonly width: string
  /** Its width on narrow screens, where that is another one. */
  readonly narrow?: string
  /** True: there is no room for it on narrow screens. */
  readonly wide?: boolean
  /** True: its title is for those who cannot see the table. */
  readonly silent?: boolean
}

interface RowsProps<T> {
  readonly label: string
  readonly columns: readonly Column[]
  readonly items: readonly T[]
  readonly keyOf: (item: T) => string
  readonly cells: (item: T) => readonly ReactNode[]
  /** Height of a row in pixels, on wide and on narrow screens. */
  readonly height: number
  /** Called when the last rows come into sight. */
  readonly onEnd?: () => void
  readonly foot?: ReactNode
}

/** A table of which only the rows in sight are there, however many it has. */
export function Rows<T>({ label, columns, items, keyOf, cells, height, onEnd, foot }: RowsProps<T>) {
  const scroller = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (index) => keyOf(items[index] as T),
  })
  const inSight = rows.getVirtualItems()
  const last = inSight.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= items.length - 20) onEnd?.()
  }, [last, items.length, onEnd])
  return (
    <div className="rows" ref={scroller}>
      <div role="table" aria-label={label} aria-rowcount={items.length + 1}>
        <Head columns={columns} />
        <div role="rowgroup" className="rows-body" style={{ height: rows.getTotalSize() }}>
          {inSight.map(({ index, key, start }) => (
            <Row
              key={key}
              index={index}
              start={start}
              height={height}
              columns={columns}
              cells={cells(items[index] as T)}
            />
          ))}
        </div>
      </div>
      {foot}
    </div>
  )
}

function Head({ columns }: { columns: readonly Column[] }) {
  return (
    <div role="rowgroup" className="rows-head">
      <div role="row" aria-rowindex={1} className="row" style={gridOf(columns)}>
        {columns.map(({ title, wide, silent }) => (
          <div role="columnheader" key={title} data-wide={wide}>
            <span className={silent ? 'unseen' : undefined}>{title}</span>
          </div>
        ))}
      </div>
    </div>
  )
}

interface RowProps {
  readonly index: number
  readonly start: number
  readonly height: number
  readonly columns: readonly Column[]
  readonly cells: readonly ReactNode[]
}

function Row({ index, start, height, columns, cells }: RowProps) {
  const place = { ...gridOf(columns), height, transform: `translateY(${start}px)` }
  return (
    <div role="row" aria-rowindex={index + 2} className="row" style={place}>
      {columns.map(({ title, wide }, column) => (
        <div role="cell" key={title} data-wide={wide}>
          {cells[column]}
        </div>
      ))}
    </div>
  )
}

function gridOf(columns: readonly Column[]): React.CSSProperties {
  const shown = columns.filter(({ wide }) => wide !== true)
  return {
    '--wide': columns.map(({ width }) => width).join(' '),
    '--narrow': shown.map(({ width, narrow = width }) => narrow).join(' '),
  } as React.CSSProperties
}
