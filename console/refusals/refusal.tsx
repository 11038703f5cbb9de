/** One refusal explained: the rule, what was seen, what was wanted, and what mends it. To be built. */
export interface Refused {
  readonly rule: string | null;
  readonly seen: string | null;
  readonly wanted: string | null;
  readonly message: string | null;
}

interface Props {
  readonly connector: string;
  /** Null where the device did not say who it is. */
  readonly identity: string | null;
  readonly refused: Refused;
}

export function Refusal({ refused }: Props) {
  return <p>{refused.message}</p>;
}
