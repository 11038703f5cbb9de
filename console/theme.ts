/** Colours, sizes and habits of the console's parts. Contrast of text is at least 4.5:1 in both colour schemes (WCAG 2.2, 1.4.3). */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** Harbour water: from pale to deep. */
const harbour: MantineColorsTuple = [
  '#e6f7f6',
  '#cfecea',
  '#9fd9d5',
  '#6bc5bf',
  '#41b3ac',
  '#26a39c',
  '#0f8a85',
  '#0b7377',
  '#085f63',
  '#064a4e',
];

export const theme = createTheme({
  primaryColor: 'harbour',
  primaryShade: { light: 7, dark: 7 },
  colors: { harbour },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  components: {
    // What is required is said by the browser; a star would be read out as part of every name.
    InputWrapper: { defaultProps: { withAsterisk: false } },
    Modal: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Tooltip: { defaultProps: { events: { hover: true, focus: true, touch: true }, multiline: true, maw: 320 } },
  },
});

/** Colours of texts, and of grounds with white text on them, where Mantine's own shades have too little contrast. */
export const cssVariables: CSSVariablesResolver = ({ colors }) => {
  const names = Object.keys(colors).filter((name) => name !== 'dark');
  const each = (make: (name: string) => Record<string, string>) =>
    Object.fromEntries(names.flatMap((name) => Object.entries(make(name))));
  const shade = (name: string, at: number) => `var(--mantine-color-${name}-${at})`;
  const filled = (name: string) => ({
    [`--mantine-color-${name}-filled`]: shade(name, name === 'harbour' ? 7 : 9),
    [`--mantine-color-${name}-filled-hover`]: `color-mix(in srgb, ${shade(name, name === 'harbour' ? 7 : 9)}, black 12%)`,
  });
  return {
    variables: {},
    light: {
      ...each((name) => ({
        ...filled(name),
        [`--mantine-color-${name}-light-color`]: `color-mix(in srgb, ${shade(name, 9)}, black 25%)`,
        [`--mantine-color-${name}-text`]: `color-mix(in srgb, ${shade(name, 9)}, black 15%)`,
      })),
      '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
      '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
      '--mantine-color-error': 'var(--mantine-color-red-9)',
    },
    dark: {
      ...each((name) => ({
        ...filled(name),
        [`--mantine-color-${name}-light-color`]: shade(name, 2),
        [`--mantine-color-${name}-text`]: shade(name, 3),
      })),
      '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
      '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
      '--mantine-color-error': 'var(--mantine-color-red-4)',
    },
  };
};
