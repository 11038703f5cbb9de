/** "Add many devices": a CSV file, checked before anything of it is written. To be built. */
interface Props {
  readonly connector: string;
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function ImportDialog({ opened, connector }: Props) {
  return opened ? <p>{connector}</p> : null;
}
