/**
 * uPlot asks for the browser's language while it is loaded, and fails where that is no language tag: Chromium says
 * `en-US@posix` on a machine without a language (LANG=C), as kiosks and test machines are.
 */
export function mendLanguage(): void {
  try {
    Intl.getCanonicalLocales(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });
  }
}
