import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

/** Darker and cooler than the library's own, so that cards stand out from the page without borders that shout. */
const dark: MantineColorsTuple = [
  '#e6e8ec',
  '#c1c6cf',
  '#a3aab7',
  '#7b8494',
  '#3a414d',
  '#2c323c',
  '#1d2129',
  '#15181e',
  '#101216',
  '#0b0d10',
]

/** Look of all pages. Shade 8 carries white text with enough contrast in both schemes. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: 8,
  colors: { dark },
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.25rem' }, h2: { fontSize: '0.9375rem' } } },
  defaultRadius: 'md',
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'xs' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300, events: { hover: true, focus: true, touch: true } } },
    Modal: {
      defaultProps: {
        centered: true,
        radius: 'lg',
        overlayProps: { backgroundOpacity: 0.45 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    Menu: { defaultProps: { shadow: 'md', position: 'bottom-end' } },
  },
})

/** Colours of states and surfaces, by scheme: each has at least 4.5 to 1 on the surfaces that it is used on. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#59616e',
    '--mantine-color-body': '#ffffff',
    '--mantine-color-placeholder': '#6b7280',
    '--mantine-color-error': '#c4271c',
    '--page': '#f7f8fa',
    '--card': '#ffffff',
    '--line': '#e3e6ea',
    '--hover': '#f1f3f6',
    '--busy': '#1b5fd0',
    '--good': '#137a43',
    '--wait': '#945b00',
    '--bad': '#c4271c',
    '--quiet': '#59616e',
    '--busy-soft': '#e9f1fe',
    '--good-soft': '#e7f6ed',
    '--wait-soft': '#fdf3e0',
    '--bad-soft': '#fdecea',
    '--quiet-soft': '#eff1f4',
  },
  dark: {
    '--mantine-color-dimmed': '#9ba4b2',
    '--mantine-color-placeholder': '#8b94a3',
    '--mantine-color-error': '#ff8a80',
    '--page': '#0f1115',
    '--card': '#15181e',
    '--line': '#262b34',
    '--hover': '#1b1f27',
    '--busy': '#7db1ff',
    '--good': '#57c98a',
    '--wait': '#e8b04a',
    '--bad': '#ff8a80',
    '--quiet': '#9ba4b2',
    '--busy-soft': '#16263f',
    '--good-soft': '#12291d',
    '--wait-soft': '#2e2411',
    '--bad-soft': '#361a19',
    '--quiet-soft': '#1d2129',
  },
})
