import { Skeleton } from '@mantine/core'
import { IconChevronRight } from '@tabler/icons-react'
import { Link, type LinkProps } from '@tanstack/react-router'
import { Fragment, type ReactNode, useEffect } from 'react'

/** A step on the way to a page. */
export interface Crumb {
  readonly text: string
  readonly link: LinkProps
}

interface PageProps {
  /** Title of the window. */
  readonly title: string
  /** What the page begins with; the title when left out. */
  readonly heading?: ReactNode
  readonly crumbs?: readonly Crumb[]
  readonly actions?: ReactNode
  /** True for a page that fills the window and scrolls in its parts. */
  readonly fixed?: boolean
  readonly children: ReactNode
}

/** The frame of every page: the way here, its title, what can be done. */
export function Page({ title, heading, crumbs = [], actions, fixed = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Jobyard`
  }, [title])
  return (
    <div className={fixed ? 'page fixed' : 'page'}>
      {crumbs.length > 0 && <Breadcrumbs crumbs={crumbs} here={title} />}
      <div className="page-head">
        <h1>{heading ?? title}</h1>
        {actions !== undefined && <div className="page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  )
}

function Breadcrumbs({ crumbs, here }: { crumbs: readonly Crumb[]; here: string }) {
  return (
    <nav aria-label="Breadcrumbs" className="crumbs">
      {crumbs.map(({ text, link }) => (
        <Fragment key={text}>
          <Link {...link}>{text}</Link>
          <IconChevronRight size={14} aria-hidden />
        </Fragment>
      ))}
      <span aria-current="page">{here}</span>
    </nav>
  )
}

/** A part of a page with a title. */
export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  )
}

/** A name and its value. */
export type Fact = readonly [name: string, value: ReactNode]

/** Names and their values. */
export function Facts({ items }: { items: readonly Fact[] }) {
  return (
    <dl className="facts">
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** What stands there while something loads. */
export function Loading({ rows = 5 }: { rows?: number }) {
  return (
    <div className="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same.
        <Skeleton key={row} height={18} radius="sm" />
      ))}
    </div>
  )
}
