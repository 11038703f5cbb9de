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
  autoContrast: true,
  colors: { harbour },
  defaultRadius: 'md',
  cursorType: 'pointer',
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

/** Dimmed and coloured texts, where Mantine's own shades have too little contrast on their grounds. */
export const cssVariables: CSSVariablesResolver = ({ colors }) => {
  const names = Object.keys(colors);
  const onLight = (shade: number) =>
    Object.fromEntries(
      names.map((name) => [`--mantine-color-${name}-light-color`, `var(--mantine-color-${name}-${shade})`]),
    );
  return {
    variables: {},
    light: {
      ...onLight(9),
      '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
      '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
      '--mantine-color-error': 'var(--mantine-color-red-9)',
    },
    dark: {
      ...onLight(2),
      '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
      '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
      '--mantine-color-error': 'var(--mantine-color-red-4)',
    },
  };
};
