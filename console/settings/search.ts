/** What the address of the Settings page says: the section that is asked for, and which dialog is open. */
import { sectionIds } from './sections.ts';

const dialogs = ['add-ca', 'add-crl', 'delete'] as const;

export interface SettingsSearch {
  readonly section?: (typeof sectionIds)[number];
  readonly dialog?: (typeof dialogs)[number];
}

/** Takes whatever stands in an address; what makes no sense is left out. */
export function readSettingsSearch(given: Record<string, unknown>): SettingsSearch {
  return {
    section: sectionIds.find((id) => id === given.section),
    dialog: dialogs.find((name) => name === given.dialog),
  };
}
