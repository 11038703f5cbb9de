/** To be built. */
export function LogsPage() {
  return <p>LogsPage</p>;
}
