import { Radio } from '@mantine/core'

interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly options: readonly (readonly [value: string, text: string, description: string])[]
}

/** One of a few, each with what it means. */
export function Choice({ label, value, onChange, options }: ChoiceProps) {
  return (
    <Radio.Group value={value} onChange={onChange} aria-label={label}>
      <div className="choice">
        {options.map(([each, text, description]) => (
          <Radio.Card key={each} value={each} aria-label={text} className="choice-card">
            <Radio.Indicator />
            <span>
              <b>{text}</b>
              <small>{description}</small>
            </span>
          </Radio.Card>
        ))}
      </div>
    </Radio.Group>
  )
}
