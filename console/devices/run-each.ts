/** Does one thing to many devices, a few at a time, and tells for each that failed why. */
export interface Failed {
  readonly identity: string;
  readonly error: unknown;
}

export interface Outcome {
  readonly done: readonly string[];
  readonly failed: readonly Failed[];
}

interface Options {
  /** How many are under way at the same time. */
  readonly atOnce: number;
  /** True for an error that all the others would meet as well: they are not tried, and fail with it. */
  readonly endsAll: (error: unknown) => boolean;
  /** Called after each with the number of those that are through. */
  readonly onProgress: (through: number) => void;
}

/** Never rejects. */
export async function runEach(
  identities: readonly string[],
  act: (identity: string) => Promise<unknown>,
  { atOnce, endsAll, onProgress }: Options,
): Promise<Outcome> {
  const done: string[] = [];
  const failed: Failed[] = [];
  const rest = identities.values();
  let end: Failed | null = null;
  const work = async () => {
    for (const identity of rest) {
      if (end !== null) {
        failed.push({ identity, error: end.error });
        continue;
      }
      try {
        await act(identity);
        done.push(identity);
      } catch (error) {
        failed.push({ identity, error });
        if (endsAll(error)) end = { identity, error };
      }
      onProgress(done.length + failed.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { done, failed };
}
