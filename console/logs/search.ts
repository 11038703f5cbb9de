/** What the address of this page says. */
export type LogSearch = Record<string, never>;

export function readLogSearch(_given: Record<string, unknown>): LogSearch {
  return {};
}
