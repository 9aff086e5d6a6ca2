import { type RefObject, useEffect, useRef } from 'react'

/**
 * Leads the keyboard into a form that opens in the place of a button, and back to the button when it closes. `round`: 0
 * while it is closed, another number for each time that it is filled anew.
 */
export function useEditFocus(round: number): {
  readonly button: RefObject<HTMLButtonElement | null>
  readonly form: RefObject<HTMLDivElement | null>
} {
  const button = useRef<HTMLButtonElement>(null)
  const form = useRef<HTMLDivElement>(null)
  const before = useRef(round)
  useEffect(() => {
    if (before.current === round) return
    before.current = round
    if (round === 0) button.current?.focus()
    else form.current?.querySelector<HTMLElement>('input:not([readonly]), textarea, select')?.focus()
  }, [round])
  return { button, form }
}
