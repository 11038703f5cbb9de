/** What the address of this page says. */
export type SettingsSearch = Record<string, never>;

export function readSettingsSearch(_given: Record<string, unknown>): SettingsSearch {
  return {};
}
