import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { wordsOf } from './tell.tsx'

/** What went wrong, in the server's sentence, and what to do about it. */
export function Problem({ error, again }: { error: unknown; again?: () => void }) {
  const { detail, hint } = wordsOf(error)
  return (
    <div className="notice" data-tone="bad" role="alert">
      <IconAlertTriangle size={18} aria-hidden />
      <div>
        <strong>{detail}</strong>
        {hint !== undefined && <p>{hint}</p>}
        {again !== undefined && (
          <Button variant="default" mt="xs" onClick={again}>
            Try again
          </Button>
        )}
      </div>
    </div>
  )
}

/** Something to know. */
export function Notice({ tone, children }: { tone: 'wait' | 'bad' | 'quiet' | 'good'; children: ReactNode }) {
  return (
    <div className="notice" data-tone={tone}>
      {tone !== 'quiet' && tone !== 'good' && <IconAlertTriangle size={18} aria-hidden />}
      <div>{children}</div>
    </div>
  )
}

/** What stands where there is nothing yet. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  )
}
