/** What the address of this page says. */
export type OverviewSearch = Record<string, never>;

export function readOverviewSearch(_given: Record<string, unknown>): OverviewSearch {
  return {};
}
