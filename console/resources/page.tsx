/** To be built. */
export function ResourcesPage() {
  return <p>ResourcesPage</p>;
}
