import { Notice } from '../parts/problem.tsx'
import { When } from '../parts/time.tsx'
import type { Meanwhile } from './save.ts'

/** Says what others have done to the same settings, and that saving once more goes over it. */
export function MeanwhileNotice({ items }: { items: readonly Meanwhile[] }) {
  if (items.length === 0) return null
  return (
    <div role="alert">
      <Notice tone="wait">
        <strong>Nothing was saved yet:</strong> somebody was faster.
        <ul>
          {items.map(({ name, now }) => (
            <li key={name}>
              <code>{name}</code>{' '}
              {now === undefined ? (
                'was removed'
              ) : (
                <>
                  was set by {now.updatedBy} <When at={now.updatedAt} />
                  {now.secret && ', as a secret'}
                  {now.value !== null && (
                    <>
                      {' '}
                      to <code>{now.value}</code>
                    </>
                  )}
                </>
              )}
              .
            </li>
          ))}
        </ul>
        Save once more to have it as you wrote it.
      </Notice>
    </div>
  )
}
