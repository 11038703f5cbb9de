/** What the address of the audit log says: what is searched for. Pure. */
export interface AuditSearch {
  readonly search?: string;
}

export function readAuditSearch({ search }: Record<string, unknown>): AuditSearch {
  return typeof search === 'string' && search !== '' ? { search: search.slice(0, 200) } : {};
}
