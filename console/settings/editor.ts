/** What the parts of the form share: the values, what is wrong with them, and the way to change them. */
import { createContext, useContext } from 'react';
import type { Path, Values } from './values.ts';

export interface Editor {
  readonly connector: string;
  readonly values: Values;
  readonly base: Values;
  /** The role may look, and change nothing. */
  readonly readOnly: boolean;
  /** By path; of an entry of a list, with its place: `pki.client_ca[0]`. */
  readonly faults: ReadonlyMap<string, string>;
  edit(values: Partial<Values>): void;
}

export const EditorContext = createContext<Editor | null>(null);

export function useEditor(): Editor {
  const editor = useContext(EditorContext);
  if (editor === null) throw new Error('used outside the form of the settings');
  return editor;
}

/** The id of a field's control, for links to it. */
export const fieldId = (path: string) => `field-${path}`;

/** One field, as controls take it. */
export function useField<P extends Path>(path: P) {
  const { values, faults, readOnly, edit } = useEditor();
  return {
    id: fieldId(path),
    value: values[path],
    error: faults.get(path),
    disabled: readOnly,
    set: (value: Values[P]) => edit({ [path]: value } as Partial<Values>),
  };
}
